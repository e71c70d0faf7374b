/**
 * A real hub for the tests that need one: the built program in a folder of its own, on a free port, with
 * officers, a gateway and the areas, sites and categories that are shipped. Everything is removed at the end.
 */
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
const READY_MS = 60_000;
const STOP_MS = 20_000;
/** As many alerts as one batch may hold. */
export const BATCH_MAX = 256;
export const OFFICER_PASSWORD = "correct horse battery";
export const SITE = "xinghe-garden";

/** The hub's program: `given`, GRIDWATCH_HUB, or the newest kind that was built; null when there is none. */
export function hubProgram(given = process.env.GRIDWATCH_HUB) {
  if (given) {
    if (!existsSync(given)) throw new Error(`no hub at ${given}; build it with \`cargo build -p hub\``);
    return given;
  }
  return ["release", "debug"].map((kind) => join(TARGET, kind, "hub")).find(existsSync) ?? null;
}

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The configuration: plain HTTP on loopback, and no budgets of requests, which have tests of their own. */
async function configure(folder, port, more) {
  const lines = [`listen = "127.0.0.1:${port}"`, "tls = false", 'data_dir = "data"'];
  for (const name of ["areas", "sites", "categories", "calendar"]) {
    lines.push(`${name} = ${JSON.stringify(join(ROOT, "configs", `${name}.toml`))}`);
  }
  lines.push("[limits]");
  const budgets = ["reads", "writes", "exports", "sign_ins", "address_requests", "gateway_requests"];
  for (const name of budgets) lines.push(`${name}_per_minute = 0`);
  const path = join(folder, "hub.toml");
  await writeFile(path, `${[...lines, ...more].join("\n")}\n`);
  return path;
}

const stamp = (ago = 0) => new Date(Date.now() - ago).toISOString();

/** One gateway: sends what an edge agent sends, and gives the hub's answer whatever it is. */
class Gateway {
  stream = randomUUID();
  sequence = 0;
  heartbeats = 0;

  constructor(url, id, site, key) {
    Object.assign(this, { url, id, site, key });
  }

  async post(path, body) {
    const common = { version: 1, gateway: this.id, stream: this.stream, boot_epoch: 1 };
    const response = await fetch(this.url + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${this.key}` },
      body: JSON.stringify({ ...common, ...body }),
    });
    return { status: response.status, body: await response.json() };
  }

  /** An alert as the wire has it; `given` changes single fields. */
  alert(given) {
    this.sequence += 1;
    return {
      id: randomUUID(),
      revision: 0,
      phase: "raised",
      sequence: this.sequence,
      boot_epoch: 1,
      kind: "door_forced",
      severity: "P2",
      device: `door-${this.sequence}`,
      device_known: true,
      site: this.site,
      place: { building: String(this.sequence) },
      raised_at: stamp(1000),
      at: stamp(1000),
      detected_by: { by: "rule", rule: "door-forced" },
      reason: { zh: "门被打开", en: "The door opened" },
      ...given,
    };
  }

  /** Sends alerts in one batch; the receipt says what became of each. */
  batch(alerts, more = {}) {
    return this.post("/v1/batches", { sent_at: stamp(), alerts, readings: [], ...more });
  }

  heartbeat(more) {
    this.heartbeats += 1;
    return this.post("/v1/heartbeats", {
      site: this.site,
      number: this.heartbeats,
      at: stamp(),
      clock: "plausible",
      last_sequence: this.sequence,
      backlog_alerts: 0,
      backlog_readings: 0,
      agent_version: "0.1.0",
      uptime_ms: 1000,
      ...more,
    });
  }
}

/**
 * Starts a hub. `officers` are `{ name, role }`; `more` are further lines of its configuration. Gives its
 * address, its process, a gateway, and how to stop it and leave nothing behind.
 */
export async function startHub({ program = hubProgram(), officers = [], more = [] } = {}) {
  if (program === null) throw new Error("no hub is built; build it or set GRIDWATCH_HUB");
  const folder = await mkdtemp(join(tmpdir(), "gridwatch-hub-"));
  let child = null;
  const stop = async () => {
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await ended;
      clearTimeout(late);
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const port = await freePort();
    const at = ["--config", await configure(folder, port, more)];
    const say = async (args, input = "") => {
      const running = promisify(execFile)(program, [...args, ...at]);
      running.child.stdin.end(input);
      return (await running).stdout;
    };
    for (const { name, role } of officers) {
      const add = ["user", "add", name, "--role", role, "--display-name", name, "--password-stdin"];
      await say(add, `${OFFICER_PASSWORD}\n`);
    }
    const joined = await say(["gateway", "add", "gw-1", "--site", SITE]);
    const key = /^key = "(.+)"$/m.exec(joined)?.[1];
    if (key === undefined) throw new Error("`hub gateway add` printed no key");
    const log = join(folder, "hub.log");
    const out = await import("node:fs").then((fs) => fs.openSync(log, "w"));
    child = spawn(program, ["run", ...at], { stdio: ["ignore", out, out] });
    const url = `http://127.0.0.1:${port}`;
    await ready(url, child, log);
    return { url, folder, pid: child.pid, gateway: new Gateway(url, "gw-1", SITE, key), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(url, child, log) {
  const end = Date.now() + READY_MS;
  while (Date.now() < end) {
    if (child.exitCode !== null) throw new Error(`the hub ended by itself:\n${await readFile(log, "utf8")}`);
    const answer = await fetch(`${url}/healthz`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the hub was not ready within ${READY_MS} ms:\n${await readFile(log, "utf8")}`);
}

/** Signs in outside a browser; gives what further requests have to send. */
export async function session(url, name, password = OFFICER_PASSWORD) {
  const response = await fetch(`${url}/api/v1/session`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Gridwatch-Request": "1" },
    body: JSON.stringify({ username: name, password }),
  });
  if (!response.ok) throw new Error(`signing in gave ${response.status}: ${await response.text()}`);
  const cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  return { Cookie: cookie, "X-Gridwatch-Request": "1", "Content-Type": "application/json" };
}

/** A line to a server that can be cut: it passes bytes on until `cut`, and refuses all until `mend`. */
export async function startLine(url) {
  const to = Number(new URL(url).port);
  const ends = new Set();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) return near.destroy();
    const far = new Socket();
    for (const end of [near, far]) {
      ends.add(end);
      end.on("error", () => undefined);
      end.on("close", () => {
        ends.delete(end);
        near.destroy();
        far.destroy();
      });
    }
    far.connect(to, "127.0.0.1");
    near.pipe(far).pipe(near);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  const cut = () => {
    whole = false;
    for (const end of ends) end.destroy();
  };
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut,
    mend: () => {
      whole = true;
    },
    stop: () => {
      cut();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
