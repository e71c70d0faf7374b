/**
 * The console's numbers, against a real hub on a free port in a folder of its own, which is removed at the end:
 *
 *     npm run measure [path/to/hub]         or GRIDWATCH_HUB; else target/release/hub, else target/debug/hub
 *
 * Says what was measured beside what is aimed at. Ends with 0 also when an aim is missed, and with 1 only when
 * nothing could be measured. Alerts come as gateways send them; the hub's commit is the receipt of their batch,
 * so every time to the board also holds the way of the receipt back to the gateway: real ones are shorter.
 */
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { closeBrowser, openBrowser, openPage, until } from "./browser.mjs";
import { servesThisBuild, startFront } from "./front.mjs";
import { BATCH_MAX, hubProgram, OFFICER_PASSWORD, session, startHub } from "./hub.mjs";

const OFFICER = "officer";
/** Alerts under load, in steps as a fast gateway sends them. */
const STORM = 500;
const STORM_STEP = 10;
const STORM_EVERY_MS = 100;
const STREAMS = 500;
/** Alerts while all streams are open, one at a time. */
const FANNED = 50;
const FAN_EVERY_MS = 100;
const MANY = 10_000;
const PATIENCE_MS = 60_000;

const rows = [];
const note = (what, aim, value, good) => {
  rows.push({ what, aim, value, good: good === undefined ? "" : good ? "yes" : "NO" });
  console.error(`${what}: ${value}${good === false ? " (aim missed)" : ""}`);
};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const ms = (value) => (value === undefined ? "–" : `${value.toFixed(value < 10 ? 1 : 0)} ms`);
const mib = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
const kb = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;

function share(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)];
}

/** Resident memory of a process, in bytes. */
function resident(pid) {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? Number.NaN) * 1024;
}

/** Sends alerts, each of a device of its own; gives the time of the receipt by the device. */
async function send(gateway, count) {
  const alerts = Array.from({ length: count }, () => gateway.alert({}));
  const { status, body } = await gateway.batch(alerts);
  const at = performance.timeOrigin + performance.now();
  const refused = body.items?.find((item) => item.status !== "accepted");
  if (status !== 200 || refused)
    throw new Error(`the hub refused alerts: ${JSON.stringify(refused ?? body)}`);
  return alerts.map(({ device }) => [device, at]);
}

/** Notes when each row was painted: the frame after the one in which it came into the page. */
function watchRows() {
  globalThis.painted = {};
  const wait = new Set();
  const look = () => {
    const fresh = [];
    for (const row of document.querySelectorAll("li[data-case]")) {
      const id = row.dataset.case;
      if (!(id in globalThis.painted) && !wait.has(id)) fresh.push(id);
    }
    if (fresh.length === 0) return;
    for (const id of fresh) wait.add(id);
    // The task after the next frame's callbacks runs once that frame is drawn.
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        const at = performance.timeOrigin + performance.now();
        for (const id of fresh) globalThis.painted[id] = at;
      };
      channel.port2.postMessage(null);
    });
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  // New cases are the last of their severity, and a long list draws only what is near the window: look there.
  const follow = () => {
    const list = document.querySelector(".list");
    for (let box = list; box !== null; box = box.parentElement) box.scrollTop = box.scrollHeight;
    requestAnimationFrame(follow);
  };
  follow();
}

async function enter(page, url) {
  await page.goto(url);
  await page.locator('input[name="username"]').fill(OFFICER);
  await page.locator('input[name="password"]').fill(OFFICER_PASSWORD);
  await page.locator('button[type="submit"]').click();
  await page.locator('#link-state[data-link="live"]').waitFor();
}

/** All open cases by their device. */
async function casesByDevice(url, headers) {
  const found = new Map();
  let next = null;
  do {
    const after = next === null ? "" : `&after=${encodeURIComponent(next)}`;
    const response = await fetch(`${url}/api/v1/cases?state=open&limit=200${after}`, { headers });
    const page = await response.json();
    for (const each of page.items) for (const device of each.devices) found.set(device, String(each.id));
    next = page.next;
  } while (next !== null);
  return found;
}

/** What `read` gives once it has had the same number of entries, and at least one, for two seconds. */
async function stable(read) {
  let found = {};
  let before = -1;
  await until(
    "the rows",
    async () => {
      found = await read();
      const count = Object.keys(found).length;
      const same = count > 0 && count === before;
      before = count;
      if (!same) await pause(2000);
      return same;
    },
    PATIENCE_MS,
  );
  return found;
}

/** (a) From the hub's commit to the painted row. */
async function painted(hub, url) {
  const { page, context } = await openPage(url);
  await enter(page, url);
  await page.mouse.move(300, 5);
  await page.evaluate(watchRows);
  const committed = [];
  for (let sent = 0; sent < STORM; sent += STORM_STEP) {
    const begun = performance.now();
    committed.push(...(await send(hub.gateway, STORM_STEP)));
    await pause(Math.max(0, STORM_EVERY_MS - (performance.now() - begun)));
  }
  const headers = await session(hub.url, OFFICER);
  const cases = await casesByDevice(hub.url, headers);
  const ids = committed.map(([device]) => cases.get(device));
  const last = await stable(() => page.evaluate(() => globalThis.painted));
  const waits = committed.flatMap(([, at], index) => {
    const drawn = last[ids[index]];
    return drawn === undefined ? [] : [drawn - at];
  });
  await context.close();
  const said = `${STORM} alerts, ${STORM_STEP} every ${STORM_EVERY_MS} ms (${waits.length} rows drawn)`;
  note(`commit to painted, p50; ${said}`, "100 ms", ms(share(waits, 0.5)), share(waits, 0.5) <= 100);
  note("commit to painted, p99", "300 ms", ms(share(waits, 0.99)), share(waits, 0.99) <= 300);
}

/** One stream of events; tells each case's first event to `hear`. */
function openStream(url, headers, hear) {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/api/v1/events`, { headers, agent: false }, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`a stream gave ${response.statusCode}`));
      let rest = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        const at = performance.timeOrigin + performance.now();
        const whole = (rest + chunk).split("\n\n");
        rest = whole.pop();
        for (const message of whole) {
          if (message.includes("event: hello")) resolve(asked);
          const device = /"change":"opened".*"devices":\["([^"]+)"\]/s.exec(message)?.[1];
          if (device !== undefined) hear(device, at);
        }
      });
      response.on("error", () => undefined);
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** (b) Many streams on one hub. */
async function manyStreams(hub) {
  const headers = await session(hub.url, OFFICER);
  const before = resident(hub.pid);
  const heard = [];
  const open = [];
  for (let count = 0; count < STREAMS; count += 50) {
    const more = Array.from({ length: 50 }, () =>
      openStream(hub.url, headers, (device, at) => heard.push([device, at])),
    );
    open.push(...(await Promise.all(more)));
  }
  const opened = resident(hub.pid);
  const committed = new Map();
  for (let sent = 0; sent < FANNED; sent += 1) {
    for (const [device, at] of await send(hub.gateway, 1)) committed.set(device, at);
    await pause(FAN_EVERY_MS);
  }
  await until("every stream to hear of every alert", () => heard.length >= STREAMS * FANNED, PATIENCE_MS);
  const after = resident(hub.pid);
  for (const each of open) each.destroy();
  const waits = heard.map(([device, at]) => Math.max(0, at - committed.get(device)));
  note(`memory of the hub before ${STREAMS} streams`, "", mib(before));
  note("… with them open", "", `${mib(opened)} (${kb((opened - before) / STREAMS)} each)`);
  note(`… after ${FANNED} alerts to all of them`, "", mib(after));
  note(`commit to arrival over all ${STREAMS} streams, p50`, "", ms(share(waits, 0.5)));
  note(
    "commit to arrival over all of them, p99",
    "300 ms",
    ms(share(waits, 0.99)),
    share(waits, 0.99) <= 300,
  );
}

/** Notes long tasks from the page's beginning, and when the board's first row was there. */
function watchTasks() {
  globalThis.tasks = [];
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) globalThis.tasks.push([startTime, duration]);
  }).observe({ type: "longtask", buffered: true });
  const look = () => {
    if (globalThis.firstRow === undefined && document.querySelector("li[data-case]") !== null)
      requestAnimationFrame(() => {
        globalThis.firstRow ??= performance.now();
      });
  };
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  });
}

/** Scrolls whatever scrolls on the board to its end and back; gives how far it went. */
async function scrollThrough() {
  const boxes = [document.scrollingElement, ...document.querySelectorAll(".board, .board *")];
  const box = boxes.sort((a, b) => b.scrollHeight - b.clientHeight - (a.scrollHeight - a.clientHeight))[0];
  const frame = () => new Promise(requestAnimationFrame);
  globalThis.tasks.length = 0;
  const far = box.scrollHeight - box.clientHeight;
  const steps = 240;
  for (let step = 0; step <= steps; step++) {
    box.scrollTop = (far * step) / steps;
    await frame();
  }
  for (let step = 0; step < 60; step++) {
    box.scrollTop -= 120;
    await frame();
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  return { far, tasks: globalThis.tasks.map(([, duration]) => duration) };
}

/** Waits until the page has asked the hub for nothing more for a second. */
async function settled(page) {
  const asked = () => page.evaluate(() => performance.getEntriesByType("resource").length);
  let before = await asked();
  await until("the page to have loaded all", async () => {
    await pause(1000);
    const count = await asked();
    const same = count === before;
    before = count;
    return same;
  });
}

/** (c) The board with very many open cases. */
async function manyCases(hub, url) {
  const headers = await session(hub.url, OFFICER);
  const open = async () => {
    const page = await (await fetch(`${hub.url}/api/v1/cases?state=open&limit=1`, { headers })).json();
    return Object.values(page.total_open).reduce((sum, each) => sum + each, 0);
  };
  let left = MANY - (await open());
  while (left > 0) {
    await send(hub.gateway, Math.min(BATCH_MAX, left));
    left -= BATCH_MAX;
  }
  const count = await open();
  const { page, context } = await openPage(url);
  await page.addInitScript(watchTasks);
  await enter(page, url);
  await page.reload();
  const first = await until(
    "the first row",
    () => page.evaluate(() => globalThis.firstRow ?? null),
    PATIENCE_MS,
  );
  const contentful = await page.evaluate(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
  );
  await settled(page);
  const loading = await page.evaluate(() => globalThis.tasks.map(([, duration]) => duration));
  const drawn = await page.locator("li[data-case]").count();
  await page.mouse.move(700, 600);
  const { far, tasks } = await page.evaluate(scrollThrough);
  await context.close();
  const longest = (list) => Math.max(0, ...list);
  const said = `board with ${count} open cases (${drawn} rows drawn)`;
  note(`${said}: first contentful paint`, "1000 ms", ms(contentful), contentful < 1000);
  note("… first case painted, from the beginning of the page", "1000 ms", ms(first), first < 1000);
  note("… longest task while loading", "", `${ms(longest(loading))} (${loading.length} over 50 ms)`);
  const worst = longest(tasks);
  const scrolled = `${ms(worst)} (${tasks.length} over 50 ms)`;
  note(`… longest task while scrolling through ${far} px`, "100 ms", scrolled, worst <= 100);
}

/** (d) What the console weighs, as it stands in `dist/`. */
function weigh() {
  const dist = fileURLToPath(new URL("../dist/", import.meta.url));
  const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  const sums = { page: [0, 0], map: [0, 0] };
  for (const { parentPath, name } of files) {
    const bytes = readFileSync(`${parentPath}/${name}`);
    const sum = sums[/^(map-|maplibre)/.test(name) ? "map" : "page"];
    sum[0] += gzipSync(bytes, { level: 9 }).length;
    sum[1] += brotliCompressSync(bytes).length;
  }
  const { page, map } = sums;
  const said = ([gzip, brotli]) => `${kb(gzip)} gzip, ${kb(brotli)} brotli`;
  note("compressed size without the map", "600 kB", said(page), page[0] < 600_000);
  note("… the map, loaded when it is shown", "", said(map));
}

function print(program, front) {
  const build = program.includes("/release/") ? "release" : "debug";
  console.log(`\nhub: ${build} build${front ? ", the console of dist/ in front of it" : ""}\n`);
  const heads = { what: "measured", aim: "aim", value: "value", good: "met" };
  const width = (key) => Math.max(...[heads, ...rows].map((row) => row[key].length));
  const line = (row) =>
    Object.keys(heads)
      .map((key) => row[key].padEnd(width(key)))
      .join("  ")
      .trimEnd();
  for (const row of [heads, ...rows]) console.log(line(row));
}

async function main() {
  const { positionals } = parseArgs({ allowPositionals: true });
  const program = hubProgram(positionals[0] ?? process.env.GRIDWATCH_HUB);
  if (program === null) throw new Error("no hub is built: `cargo build -p hub`, or name one");
  // A flood would fold most of the storm into one line of the board; every row is to be timed.
  const more = ["[correlation]", "flood_begins_above = 10000"];
  const hub = await startHub({ program, officers: [{ name: OFFICER, role: "duty_officer" }], more });
  let front = null;
  try {
    if (!(await servesThisBuild(hub.url))) front = await startFront(hub.url);
    const url = front?.url ?? hub.url;
    await openBrowser();
    await painted(hub, url);
    await manyStreams(hub);
    await manyCases(hub, url);
    weigh();
    print(program, front !== null);
  } finally {
    await closeBrowser();
    await front?.stop();
    await hub.stop();
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(`nothing could be measured: ${error.stack ?? error}`);
    process.exit(1);
  },
);
