// SPDX-License-Identifier: Apache-2.0
// An OpenTelemetry receiver: HTTP and gRPC, with the messages as OpenTelemetry's own library reads
// them.
//
//	node otlp-server.js HTTP_PORT GRPC_PORT FILE [FAILURES]
//
// Says "listening" when it does. Each request becomes a line of FILE: {"kind", "way", "request"}.
// The first FAILURES requests are answered with "unavailable". With $OTLP_TLS, a folder, gRPC wants
// certificates of its CA; with $OTLP_REJECT so many logs of each batch are said to be thrown away.
"use strict";
const fs = require("fs");
const http = require("http");
const zlib = require("zlib");
const { createRequire } = require("module");
const load = createRequire(process.cwd() + "/");
const grpc = load("@grpc/grpc-js");
const root = load("@opentelemetry/otlp-grpc-exporter-base/build/src/generated/root.js");

const [httpPort, grpcPort, file, failures] = process.argv.slice(2);
let left = Number(failures || 0);

const collector = root.opentelemetry.proto.collector;
const types = {
	logs: [collector.logs.v1.ExportLogsServiceRequest, collector.logs.v1.ExportLogsServiceResponse],
	metrics: [collector.metrics.v1.ExportMetricsServiceRequest,
		collector.metrics.v1.ExportMetricsServiceResponse],
};

function note(kind, way, message) {
	const request = types[kind][0].toObject(message, { longs: String, enums: String });
	fs.appendFileSync(file, JSON.stringify({ kind, way, request }) + "\n");
}

http.createServer((request, response) => {
	const pieces = [];
	request.on("data", (piece) => pieces.push(piece));
	request.on("end", () => {
		const kind = request.url.replace("/v1/", "");
		if (!types[kind]) return response.writeHead(404).end();
		if (request.headers["content-type"] !== "application/x-protobuf")
			return response.writeHead(415).end();
		if (left-- > 0) return response.writeHead(503).end();
		let body = Buffer.concat(pieces);
		if (request.headers["content-encoding"] === "gzip") body = zlib.gunzipSync(body);
		try {
			note(kind, "http", types[kind][0].decode(body));
		} catch (error) {
			return response.writeHead(400).end(String(error));
		}
		response.writeHead(200, { "Content-Type": "application/x-protobuf" });
		const rejected = Number(process.env.OTLP_REJECT || 0);
		const partialSuccess = rejected ? { rejectedLogRecords: rejected, errorMessage: "no" } : undefined;
		response.end(types[kind][1].encode({ partialSuccess }).finish());
	});
}).listen(Number(httpPort), "127.0.0.1", () => {
	const server = new grpc.Server();
	for (const [kind, service] of [["logs", "LogsService"], ["metrics", "MetricsService"]]) {
		server.addService({ Export: {
			path: `/opentelemetry.proto.collector.${kind}.v1.${service}/Export`,
			requestStream: false, responseStream: false,
			requestSerialize: (message) => Buffer.from(types[kind][0].encode(message).finish()),
			requestDeserialize: (bytes) => types[kind][0].decode(bytes),
			responseSerialize: (message) => Buffer.from(types[kind][1].encode(message).finish()),
			responseDeserialize: (bytes) => types[kind][1].decode(bytes),
		} }, { Export: (call, done) => {
			if (left-- > 0) return done({ code: grpc.status.UNAVAILABLE, details: "not yet" });
			note(kind, "grpc", call.request);
			done(null, {});
		} });
	}
	const tls = process.env.OTLP_TLS; // a folder
	const credentials = tls
		? grpc.ServerCredentials.createSsl(fs.readFileSync(`${tls}/ca.pem`), [{
			private_key: fs.readFileSync(`${tls}/server.key`),
			cert_chain: fs.readFileSync(`${tls}/server.pem`) }], true)
		: grpc.ServerCredentials.createInsecure();
	server.bindAsync(`127.0.0.1:${grpcPort}`, credentials, (error) => {
		if (error) throw error;
		console.log("listening");
	});
});
