// SPDX-License-Identifier: Apache-2.0
// An S3 server that checks signatures: s3rver stores, and in front of it every request's signature
// (version 4) is made anew by Amazon's own library, and compared.
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
const { SignatureV4 } = load("@smithy/signature-v4");
const { Sha256 } = load("@aws-crypto/sha256-js");

const [port, directory, bucket, id, secret, token] = process.argv.slice(2);

function refuse(response, code, message) {
	response.writeHead(403, { "Content-Type": "application/xml" });
	response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`);
}

// The request's signature as Amazon's own library makes it.
async function signature(request, names, region, hash) {
	const headers = {};
	for (const name of names) if (name !== "x-amz-date") headers[name] = request.headers[name];
	const signer = new SignatureV4({ service: "s3", region, sha256: Sha256, uriEscapePath: false,
		credentials: { accessKeyId: id, secretAccessKey: secret } });
	const url = new URL(request.url, "http://127.0.0.1/");
	const signed = await signer.sign({ method: request.method, path: request.url.split("?")[0],
		query: Object.fromEntries(url.searchParams), headers,
		protocol: "http:", hostname: "127.0.0.1", body: hash },
		{ signingDate: new Date(time(request)), signableHeaders: new Set(Object.keys(headers)) });
	return signed.headers.authorization.match(/Signature=([0-9a-f]{64})/)[1];
}

function time(request) {
	return Date.parse(request.headers["x-amz-date"].replace(
		/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
}

// What is wrong with a request, or nothing.
async function check(request, body) {
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
	if (!(Math.abs(Date.now() - time(request)) < 15 * 60000)) return ["RequestTimeTooSkewed", "not now"];
	const mine = await signature(request, signed, parts[2], hash);
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
		request.on("end", async () => {
			const body = Buffer.concat(pieces);
			const wrong = await check(request, body);
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
