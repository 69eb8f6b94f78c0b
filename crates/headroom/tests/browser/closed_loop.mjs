// The closed-loop experiment: does steering help real players on a shaped link?
//
//   sudo node closed_loop.mjs HEADROOM [--scene cut|drive] [--traces DIR] [--pairs 10] [--seconds 40]
//        [--players hls,dash,shaka] [--advice] [--json FILE]
//
// One encoder makes a live ladder; `headroom serve` is the edge; every player sits in a network namespace of its own behind
// `headroom link`, which replays a trace. A pair is the same trace played twice: once the player obeys Headroom (CMSD, hls.js
// through the agent; with --advice all three ask before every segment), once it ignores it. The order alternates. The
// controller knows nothing beforehand. A pair in which a player showed hardly a picture is played again, and counted. Prints one JSON object a player: the means of both arms and the paired differences with
// 95 % intervals. `qoe` is Yin's linear score for each two-second segment: Mbit/s, less the top rung for each second of stall,
// less the size of each switch.
//
// Scene `cut`: three rungs far below a synthetic midband 5G link with a ten-second cut. Scene `drive`: five rungs as wide as
// the link, which is a synthetic drive or, with --traces, the measured files of a folder, scaled to the same mean.
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HERE = dirname(fileURLToPath(import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scene: { type: "string", default: "cut" },
    traces: { type: "string" },
    pairs: { type: "string", default: "10" },
    seconds: { type: "string", default: "40" },
    players: { type: "string", default: "hls,dash,shaka" },
    advice: { type: "boolean", default: false },
    json: { type: "string" },
  },
});
const [headroom] = positionals;
const pairs = Number(values.pairs);
const seconds = Number(values.seconds);
const players = values.players.split(",");

/** Rungs as [height, width, Mbit/s of video], highest first; the link as a preset, its mean in kbit/s, and the cut in it. */
const SCENES = {
  cut: {
    rungs: [[360, 640, 1.2], [270, 480, 0.5], [144, 256, 0.18]],
    preset: "midband",
    // Three times the top rung, as a fair 5G cell gives one viewer of many.
    mean: 4000,
    // From, until (seconds of the run), and what is left of the link, kbit/s.
    cut: { from: 14, until: 24, kbps: 350 },
  },
  drive: {
    rungs: [[360, 640, 6], [270, 480, 3], [216, 384, 1.6], [180, 320, 0.8], [144, 256, 0.4]],
    preset: "driving",
    mean: 4500,
  },
};
const scene = SCENES[values.scene];
if (!headroom || !scene || !(pairs >= 1) || !(seconds >= 30)) {
  console.error(
    "usage: node closed_loop.mjs HEADROOM [--scene cut|drive] [--traces DIR] [--pairs N] [--seconds N, at least 30] [--players LIST] [--advice] [--json FILE]",
  );
  process.exit(2);
}
if (process.getuid() !== 0) {
  console.error("network namespaces need root: run with sudo");
  process.exit(2);
}

const MBPS = Object.fromEntries(scene.rungs.map(([height, , mbps]) => [height, mbps]));
const TOP_MBPS = scene.rungs[0][2];
const SEGMENT_S = 2;
/** Seconds before anything is counted: players stall while they start. */
const WARM_UP_S = 8;

const directory = mkdtempSync(join(tmpdir(), "headroom-closed-loop-"));
const children = new Set();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

const PORT = 18080;
start("ffmpeg", ladderArguments(join(directory, "live.mpd")));
start(headroom, [
  ...["serve", "--listen", `0.0.0.0:${PORT}`, "--control", "127.0.0.1:18081", "--origin", `dir:${directory}`],
]);
await until("the live stream", 60_000, () => fetches(`http://127.0.0.1:${PORT}/chunk-stream0-00004.m4s`));

const runs = Object.fromEntries(players.map((player) => [player, []]));
let repeated = 0;
for (let pair = 0; pair < pairs; pair += 1) {
  const trace = traceOf(pair);
  const arms = pair % 2 === 0 ? ["alone", "steered"] : ["steered", "alone"];
  const outcome = Object.fromEntries(players.map((player) => [player, {}]));
  for (const arm of arms) {
    // All players at once, each behind a link of its own: same weather on the machine for all of them.
    const played = await Promise.all(players.map((player, index) => run(player, index, arm, pair, trace)));
    players.forEach((player, index) => (outcome[player][arm] = played[index]));
  }
  const silent = players.flatMap((player) => arms.filter((arm) => outcome[player][arm] === null).map((arm) => `${player} ${arm}`));
  if (silent.length > 0) {
    repeated += 1;
    console.error(`pair ${pair + 1}/${pairs}: hardly a picture from ${silent.join(", ")}, played again; see ${directory}`);
    if (repeated > pairs / 4) throw new Error("too many runs without a picture: the machine is too slow for this scene");
    pair -= 1;
    continue;
  }
  for (const player of players) {
    runs[player].push(outcome[player]);
    const { alone, steered } = outcome[player];
    const brief = ({ stall_s, bitrate_mbps }) => `${stall_s.toFixed(1)} s stalled at ${bitrate_mbps.toFixed(2)} Mbit/s`;
    console.error(`pair ${pair + 1}/${pairs} ${player}: alone ${brief(alone)}, steered ${brief(steered)}`);
  }
}

const report = players.map((player) => ({ ...summary(player, runs[player]), repeated }));
for (const line of report) console.log(JSON.stringify(line));
if (values.json) writeFileSync(values.json, `${JSON.stringify({ pairs, seconds, report, runs }, null, 1)}\n`);
process.exit(0);

/** Plays for `seconds` behind a fresh link and tells what the viewer went through after the warm-up. */
async function run(player, index, arm, pair, trace) {
  const server = `10.77.${index + 1}.1`;
  const client = `10.77.${index + 1}.2`;
  const sessionId = `${player}-${pair}-${arm}`;
  const edge = `http://${server}:${PORT}`;
  const options = {
    player,
    url: `${edge}/${player === "hls" ? "master.m3u8" : "live.mpd"}`,
    sessionId,
    contentId: "closed-loop",
    eventsUrl: `${edge}/v1/cmcd`,
    decisionsUrl: `${edge}/v1/decisions/${sessionId}/events`,
    ...(values.advice && { adviceUrl: `${edge}/v1/advice` }),
    steered: arm === "steered",
  };
  const link = start(headroom, [
    ...["link", "--trace", trace, "--server-ns", "host", "--client-ns", `hrloop${index}`],
    ...["--server-address", server, "--client-address", client, "--delay-ms", "20", "--jitter-ms", "5"],
    ...["--run", process.execPath, join(HERE, "play.mjs"), JSON.stringify(options)],
  ]);
  let text = "";
  link.stdout.on("data", (data) => (text += data));
  await sleep(seconds * 1000);
  link.stdin.end();
  await Promise.race([new Promise((resolve) => link.on("exit", resolve)), sleep(20_000)]);
  link.kill("SIGTERM");
  await sleep(500);
  const lines = text.split("\n").filter((line) => line.startsWith("{"));
  writeFileSync(join(directory, `${sessionId}.jsonl`), text);
  return judge(lines.map((line) => JSON.parse(line)));
}

/** `null` where hardly a picture was seen: the browser came too late, or the player never started. */
function judge(reports) {
  const samples = reports.filter(({ event, frames }) => event === "sample" && frames > 0);
  const first = samples[0]?.at_ms;
  const counted = samples.filter(({ at_ms }) => at_ms - first >= WARM_UP_S * 1000);
  if (counted.length < 20) return null;
  const [start, end] = [counted[0], counted.at(-1)];
  const mean = (of) => counted.reduce((sum, sample) => sum + of(sample), 0) / counted.length;
  const watched_s = (end.at_ms - start.at_ms) / 1000;
  const stall_s = end.stalled_s - start.stalled_s;
  const rate = ({ height }) => MBPS[height] ?? 0;
  const changes = counted.slice(1).map((sample, index) => Math.abs(rate(sample) - rate(counted[index])));
  const bitrate_mbps = mean(rate);
  const segments = watched_s / SEGMENT_S;
  return {
    qoe: bitrate_mbps - (TOP_MBPS * stall_s + changes.reduce((sum, change) => sum + change, 0)) / segments,
    stall_s,
    stalls: end.stalls - start.stalls,
    rebuffer_ratio: stall_s / watched_s,
    bitrate_mbps,
    switches: changes.filter((change) => change > 0).length,
    latency_s: mean(({ latency_s }) => latency_s ?? 0),
    latency_max_s: Math.max(...counted.map(({ latency_s }) => latency_s ?? 0)),
  };
}

function summary(player, outcomes) {
  const measures = Object.keys(outcomes[0].alone);
  const mean = (of) => outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / outcomes.length;
  const rounded = (value) => Math.round(value * 1000) / 1000;
  const means = (arm) => Object.fromEntries(measures.map((name) => [name, rounded(mean((outcome) => outcome[arm][name]))]));
  const difference = Object.fromEntries(
    measures.map((name) => {
      const of = ({ alone, steered }) => steered[name] - alone[name];
      const centre = mean(of);
      const variance = outcomes.reduce((sum, outcome) => sum + (of(outcome) - centre) ** 2, 0) / (outcomes.length - 1);
      const half = t975(outcomes.length - 1) * Math.sqrt(variance / outcomes.length);
      return [name, { mean: rounded(centre), ci95: [rounded(centre - half), rounded(centre + half)] }];
    }),
  );
  return { player, pairs: outcomes.length, alone: means("alone"), steered: means("steered"), difference };
}

/** 97.5 % quantile of Student's t; beyond the table the normal one with the first term of Cornish and Fisher. */
function t975(freedom) {
  const table = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131];
  return table[freedom - 1] ?? 1.96 + 2.37 / freedom;
}

/** The link of a pair at the scene's mean, with its cut. Pair n has seed n, or the nth file of --traces. */
function traceOf(pair) {
  const samples = values.traces ? measured(pair) : synthetic(pair);
  const scale = (scene.mean * samples.length) / samples.reduce((sum, [, kbps]) => sum + kbps, 0);
  // Node and browser need about four seconds before the first request.
  const lines = samples.map(([at, kbps]) => {
    const cut = scene.cut && at >= scene.cut.from + 4 && at < scene.cut.until + 4;
    return `${at},${(cut ? scene.cut.kbps : Math.max(kbps * scale, 300)).toFixed(1)}`;
  });
  const file = join(directory, `trace-${pair}.csv`);
  writeFileSync(file, `t_s,throughput_kbps\n${lines.join("\n")}\n`);
  return file;
}

function synthetic(pair) {
  const settings = ["--preset", scene.preset, "--seed", String(pair + 1), "--duration", String(seconds + 30)];
  return samplesOf(execFileSync(headroom, ["trace", "synth", ...settings], { encoding: "utf8" }));
}

/** The beginning of the nth file that is long enough and carries something all along. */
function measured(pair) {
  const files = readdirSync(values.traces).filter((name) => name.endsWith(".csv")).sort();
  const windows = files.map((name) => samplesOf(readFileSync(join(values.traces, name), "utf8")));
  const usable = windows
    .map((samples) => samples.filter(([at]) => at < seconds + 30))
    .filter((samples) => samples.length >= (seconds + 30) * 0.9 && samples.some(([, kbps]) => kbps > 2000));
  return usable[pair % usable.length];
}

/** Rows of our CSV as [seconds, kbit/s]. */
function samplesOf(text) {
  const [header, ...rows] = text.split("\n").filter((line) => line && !line.startsWith("#"));
  const columns = header.split(",");
  const [time, rate] = [columns.indexOf("t_s"), columns.indexOf("throughput_kbps")];
  return rows.map((row) => row.split(",")).map((row) => [Number(row[time]), Number(row[rate])]);
}

function ladderArguments(manifest) {
  const { rungs } = scene;
  const outputs = rungs.map((_, rung) => `[s${rung}]`).join("");
  const scaled = rungs.map(([height, width], rung) => `;[s${rung}]scale=${width}:${height}[v${rung}]`).join("");
  const rates = rungs.flatMap(([, , mbps], rung) =>
    ["b", "minrate", "maxrate", "bufsize"].flatMap((option) => [`-${option}:v:${rung}`, `${mbps * 1000}k`]),
  );
  return [
    ..."-hide_banner -loglevel error -nostdin -y -re -f lavfi -i testsrc2=s=640x360:r=25".split(" "),
    ..."-re -f lavfi -i sine=f=440:r=48000 -filter_complex".split(" "),
    `[0:v]split=${rungs.length}${outputs}${scaled}`,
    ...rungs.flatMap((_, rung) => ["-map", `[v${rung}]`]),
    // Filled up to the nominal rate: a rung costs what it says, whatever the picture.
    ..."-map 1:a -c:v libx264 -preset ultrafast -tune zerolatency -x264-params nal-hrd=cbr".split(" "),
    ..."-pix_fmt yuv420p -g 50 -keyint_min 50 -sc_threshold 0 -c:a aac -b:a 64k".split(" "),
    ...rates,
    ..."-f dash -seg_duration 2 -frag_type duration -frag_duration 0.5 -use_template 1 -use_timeline 0".split(" "),
    ..."-window_size 8 -extra_window_size 6 -hls_playlist 1 -adaptation_sets".split(" "),
    "id=0,streams=v id=1,streams=a",
    manifest,
  ];
}

function start(command, commandArguments) {
  const child = spawn(command, commandArguments, { stdio: ["pipe", "pipe", "pipe"] });
  children.add(child);
  child.stderr.on("data", (data) => writeFileSync(join(directory, "stderr.log"), data, { flag: "a" }));
  child.on("exit", () => children.delete(child));
  child.on("error", (error) => {
    console.error(`${command}: ${error.message}`);
    process.exit(1);
  });
  return child;
}

function fetches(url) {
  return new Promise((resolve) => {
    get(url, (response) => resolve(response.resume().statusCode === 200)).on("error", () => resolve(false));
  });
}

async function until(what, withinMs, test) {
  const deadline = Date.now() + withinMs;
  while (!(await test())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}; see ${directory}`);
    await sleep(250);
  }
}
