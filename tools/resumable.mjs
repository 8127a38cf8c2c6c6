// Uploads a file by tus-js-client: `node resumable.mjs ENDPOINT FILE CHUNK`; CHUNK is the size of a request in bytes, 0 for
// one request. Called by resumable.py, with the package in target/tus/node_modules.

import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.resolve('target/tus/node_modules/'))
const tus = require('tus-js-client')

const [endpoint, file, chunk] = process.argv.slice(2)
const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint,
  chunkSize: Number(chunk) || Number.POSITIVE_INFINITY,
  uploadSize: fs.statSync(file).size,
  headers: { 'X-Tenant-Id': 't1', 'X-Env': 'dev' },
  metadata: { filename: path.basename(file) },
  retryDelays: Array.from({ length: 200 }, () => 500),
  onError(error) {
    console.error(`tus-js-client gave ${file} up: ${error}`)
    process.exit(1)
  },
})
upload.start()
