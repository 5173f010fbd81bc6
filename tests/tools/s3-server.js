// SPDX-License-Identifier: Apache-2.0
// An S3 server that checks signatures: s3rver stores, and in front of it every request's signature
// (version 4) and the hash of its body are made anew, by another implementation, and compared.
//
//	node s3-server.js PORT DIRECTORY BUCKET ID SECRET [TOKEN]
//
// Says "listening" when it does, then a line for each request: METHOD PATH STATUS.
"use strict";
const http = require("http");
const crypto = require("crypto");
const { createRequire } = require("module");
const load = createRequire(process.cwd() + "/");
const S3rver = load("s3rver");

const [port, directory, bucket, id, secret, token] = process.argv.slice(2);

function refuse(response, code, message) {
	response.writeHead(403, { "Content-Type": "application/xml" });
	response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`);
}

// As Amazon's documentation describes it: "Create a signed AWS API request".
function signature(request, signed, region, hash) {
	const hmac = (key, words) => crypto.createHmac("sha256", key).update(words).digest();
	const [path, query] = request.url.split("?");
	const sorted = (query || "").split("&").sort().join("&");
	const canonical = [request.method, path, sorted,
		...signed.map((name) => `${name}:${request.headers[name].trim()}`), "",
		signed.join(";"), hash].join("\n");
	const day = request.headers["x-amz-date"].slice(0, 8);
	const words = ["AWS4-HMAC-SHA256", request.headers["x-amz-date"],
		`${day}/${region}/s3/aws4_request`,
		crypto.createHash("sha256").update(canonical).digest("hex")].join("\n");
	const key = ["s3", "aws4_request"].reduce(hmac, hmac(hmac(`AWS4${secret}`, day), region));
	return hmac(key, words).toString("hex");
}

// What is wrong with a request, or nothing.
function check(request, body) {
	const said = request.headers.authorization || "";
	const parts = said.match(
		/^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/);
	if (!parts) return ["AccessDenied", "no signature of version 4"];
	if (parts[1] !== id) return ["InvalidAccessKeyId", "no such key"];
	if (token && request.headers["x-amz-security-token"] !== token)
		return ["InvalidToken", "not the session's token"];
	const hash = crypto.createHash("sha256").update(body).digest("hex");
	if (request.headers["x-amz-content-sha256"] !== hash)
		return ["XAmzContentSHA256Mismatch", "the body is not what was signed"];
	const signed = parts[3].split(";");
	for (const name of ["host", "x-amz-date", "x-amz-content-sha256"])
		if (!signed.includes(name)) return ["AccessDenied", `${name} is not signed`];
	for (const name of Object.keys(request.headers))
		if (name.startsWith("x-amz-") && !signed.includes(name))
			return ["AccessDenied", `${name} is not signed`];
	const said_at = request.headers["x-amz-date"];
	const at = Date.parse(said_at.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
	if (!(Math.abs(Date.now() - at) < 15 * 60000)) return ["RequestTimeTooSkewed", "not now"];
	const mine = signature(request, signed, parts[2], hash);
	if (mine !== parts[4]) return ["SignatureDoesNotMatch", "the signature is another one"];
	return null;
}

const store = new S3rver({ port: 0, address: "127.0.0.1", silent: true, directory,
	allowMismatchedSignatures: true, configureBuckets: [{ name: bucket }] });

store.run().then((address) => {
	const inner = address.port;
	http.createServer((request, response) => {
		const pieces = [];
		request.on("data", (piece) => pieces.push(piece));
		request.on("end", () => {
			const body = Buffer.concat(pieces);
			const wrong = check(request, body);
			response.on("finish", () =>
				console.log(request.method, request.url, response.statusCode));
			if (wrong) return refuse(response, ...wrong);
			// The store knows one account of its own.
			const headers = { ...request.headers };
			headers.authorization = headers.authorization.replace(`Credential=${id}/`, "Credential=S3RVER/");
			delete headers["x-amz-security-token"];
			const onward = http.request({ host: "127.0.0.1", port: inner, method: request.method,
				path: request.url, headers }, (answer) => {
				response.writeHead(answer.statusCode, answer.headers);
				answer.pipe(response);
			});
			onward.on("error", () => refuse(response, "InternalError", "the store is gone"));
			onward.end(body);
		});
	}).listen(Number(port), "127.0.0.1", function () {
		console.log("listening", this.address().port);
	});
});
