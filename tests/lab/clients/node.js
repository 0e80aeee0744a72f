// SPDX-License-Identifier: MIT
// A camera with Node: one HTTPS request after the other.
//
//	node node.js ADDRESS PORT {NAME CA VERSION}...
//
// Prints a line for each: "ok", or "refused CODE".
const fs = require('fs');
const https = require('https');

const [address, port, ...rest] = process.argv.slice(2);

function ask(name, ca, version) {
	return new Promise((resolve) => {
		const options = {
			host: address, port, servername: name, headers: { host: name }, agent: false,
			ca: fs.readFileSync(ca), minVersion: version, maxVersion: version,
		};
		https.get(options, (answer) => {
			answer.resume();
			answer.on('end', () => resolve(answer.statusCode === 200 ? 'ok' : `refused ${answer.statusCode}`));
		}).on('error', (error) => resolve(`refused ${error.code}`));
	});
}

(async () => {
	for (let i = 0; i + 2 < rest.length; i += 3)
		console.log(await ask(rest[i], rest[i + 1], rest[i + 2]));
})();
