// Answers jobs with the reference implementations: a JSON list of jobs on stdin, a JSON list of answers on stdout.
// A job that the reference refuses is answered by {"error": …}.

import * as cmcd from '@svta/cml-cmcd';
import * as library from '@svta/common-media-library';
import { SfItem } from '@svta/cml-structured-field-values';

// {"value": …, "params": …} stands for an item with parameters.
const revive = (Item) => (key, value) =>
  value && typeof value === 'object' && 'value' in value && 'params' in value ? new Item(value.value, value.params) : value;
const data = (job, Item = SfItem) => JSON.parse(JSON.stringify(job.data), revive(Item));
// Tokens are symbols in the reference; JSON has none.
const plain = (value) => JSON.parse(JSON.stringify(value, (_, entry) => (typeof entry === 'symbol' ? entry.description : entry)) ?? 'null');

const work = {
  decode: (job) => cmcd.decodeCmcd(job.text),
  decodeQuery: (job) => cmcd.fromCmcdQuery(job.query),
  decodeHeaders: (job) => cmcd.fromCmcdHeaders(job.headers),
  encode(job) {
    const options = { version: job.version, reportingMode: job.mode };
    return {
      text: cmcd.encodeCmcd(data(job), options),
      query: cmcd.toCmcdQuery(data(job), options),
      headers: job.mode === 'request' ? cmcd.toCmcdHeaders(data(job), options) : {},
    };
  },
  encodeJson: (job) => ({ text: library.toCmcdJson(data(job, library.SfItem), { version: 1 }) }),
  validate: (job) => cmcd.validateCmcd(cmcd.decodeCmcd(job.text), { reportingMode: job.mode }).valid,
  decodeStatic: (job) => library.decodeCmsdStatic(job.text),
  encodeStatic: (job) => library.encodeCmsdStatic(job.data),
  decodeDynamic: (job) => library.decodeCmsdDynamic(job.text),
  encodeDynamic: (job) => library.encodeCmsdDynamic(job.data.map(({ value, params }) => new library.SfItem(value, params))),
  steering: (job) => library.isValidSteeringManifest(job.data),
};

let input = '';
for await (const chunk of process.stdin) input += chunk;
const answers = JSON.parse(input).map((job) => {
  try {
    return plain(work[job.op](job));
  } catch (error) {
    return { error: String(error) };
  }
});
process.stdout.write(JSON.stringify(answers));
