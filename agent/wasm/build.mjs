// Builds headroom.wasm, the engine for pages: `node wasm/build.mjs`. Needs cargo and
// `rustup target add wasm32-unknown-unknown`. The module is committed beside the hash of what it was built from, so that
// nobody needs the target who does not change the engine; the tests compare the hash.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = join(HERE, "../..");
/** What the module is made of, beside the compiler. */
const SOURCES = ["crates/headroom-core/src", "crates/headroom-core/Cargo.toml", "crates/headroom-core/weights"].concat(
  ["src", "Cargo.toml", "Cargo.lock"].map((name) => `agent/wasm/${name}`),
);

/** SHA-256 over the names and contents of the sources. */
export function sourceHash() {
  const hash = createHash("sha256");
  for (const file of SOURCES.flatMap(filesOf).sort()) hash.update(`${file}\0`).update(readFileSync(join(ROOT, file))).update("\0");
  return hash.digest("hex");
}

function filesOf(path) {
  const full = join(ROOT, path);
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath ?? entry.path, entry.name)));
}

/** What the module decides on the recorded log; the server's engine must agree (crates/headroom/tests/it/replay.rs). */
async function renewDecisions(bytes) {
  const { Engine } = await import("../dist/local.js");
  const engine = await Engine.load(bytes);
  const replay = join(HERE, "../test/replay");
  writeFileSync(join(replay, "decisions.jsonl"), replayed(engine, readFileSync(join(replay, "inputs.jsonl"), "utf8")));
}

/** An input log as its decision log. Identifiers do not fit JavaScript's numbers, so text it stays. */
export function replayed(engine, log) {
  const [, ...inputs] = log.trimEnd().split("\n");
  engine.ask('"begin"');
  const bare = (line) => line.replace('{"shard":0,', "{");
  const said = inputs.map((line) => /^\{"outputs":\[(.*)\]\}$/.exec(engine.ask(`{"input":${bare(line)}}`))[1]);
  return said.filter(Boolean).map((outputs) => `${outputs.replace("{", '{"shard":0,')}\n`).join("");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const homes = { [ROOT]: "/headroom/", [process.env.CARGO_HOME ?? join(homedir(), ".cargo")]: "/cargo" };
  const remap = Object.entries(homes).map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  execFileSync("cargo", ["build", "--release", "--locked", "--target", "wasm32-unknown-unknown"], {
    cwd: HERE,
    env: { ...process.env, RUSTFLAGS: remap.join(" ") },
    stdio: "inherit",
  });
  copyFileSync(join(HERE, "target/wasm32-unknown-unknown/release/headroom_wasm.wasm"), join(HERE, "headroom.wasm"));
  writeFileSync(join(HERE, "headroom.wasm.source"), `${sourceHash()}\n`);
  const bytes = readFileSync(join(HERE, "headroom.wasm"));
  await renewDecisions(bytes);
  console.log(`headroom.wasm: ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} compressed`);
}
