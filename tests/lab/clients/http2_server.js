// SPDX-License-Identifier: MIT
// An HTTP/2 server: node http2_server.js ADDRESS PORT LOG [CHAIN KEY].  Takes what is
// put and writes a line of JSON about it.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http2 = require('http2');

const [address, port, log, chain, key] = process.argv.slice(2);
const server = chain
	? http2.createSecureServer({cert: fs.readFileSync(chain), key: fs.readFileSync(key)})
	: http2.createServer();

server.on('stream', (stream, headers) => {
	const digest = crypto.createHash('sha256');
	let bytes = 0;

	stream.on('data', (piece) => {
		digest.update(piece);
		bytes += piece.length;
	});
	stream.on('end', () => {
		fs.appendFileSync(log, JSON.stringify({path: headers[':path'], bytes, sha256: digest.digest('hex')}) + '\n');
		stream.respond({':status': 201, 'content-type': 'text/plain'});
		stream.end('taken\n');
	});
});
server.listen(Number(port), address);
