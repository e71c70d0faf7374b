/**
 * Development mock of the hub: serves the officer API with invented cases, the live stream, and the built
 * console under the hub's own content security policy. A tool for working on the console and for its
 * browser tests; it checks no passwords worth the name and is not in the build.
 *
 *     npm run build && npm run mock      then http://127.0.0.1:8790, officer / officer
 */
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { MEDIA_TYPES } from "./media-types.mjs";
import { makeAdmin, readAdmin, writeAdmin } from "./mock-admin.mjs";
import { askChildren, readChildren } from "./mock-children.mjs";
import { endSilenced, giveBack, similarTo, splitCase, takeIn } from "./mock-correlation.mjs";
import {
  ACK_MS,
  makeCase,
  makeCommissionings,
  makeDevices,
  makeGateways,
  makeModels,
  makeProfile,
  makeQuarantine,
  makeSeries,
  SITES,
  startCases,
} from "./mock-data.mjs";
import { allowedActions, changeOf, ended, missingIn, needsTwo, step, UNITS, waitsFor } from "./mock-loop.mjs";
import { makeChains, verify } from "./mock-verify.mjs";
import {
  AREAS,
  caseOfReport,
  getEvidence,
  listEvidence,
  makeContacts,
  makeMap,
  makeRates,
  makeToday,
  makeWorkers,
  putEvidence,
  report,
  reveal,
  sendTiles,
} from "./mock-work.mjs";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const CSP =
  "default-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
const USERS = {
  officer: { display_name: "李明", role: "duty_officer" },
  supervisor: { display_name: "陈静", role: "supervisor" },
  supervisor2: { display_name: "赵强", role: "supervisor" },
  shiftleader: { display_name: "张强", role: "shift_leader" },
  dispatcher: { display_name: "刘洋", role: "dispatcher" },
  leader: { display_name: "黄蓉", role: "leader" },
  worker: { display_name: "周伟", role: "handler", unit: "lihu-property" },
  fire: { display_name: "林队", role: "unit", unit: "district-fire" },
  checker: { display_name: "吴霞", role: "checker" },
  admin: { display_name: "管理员", role: "administrator" },
  auditor: { display_name: "何敏", role: "auditor" },
  auditor2: { display_name: "高原", role: "auditor", area: "440605004" },
};
/** What a person is told of the own session; the unit is the hub's affair. */
const sessionOf = ({ unit, ...session }) => session;

function summaryOf({
  alerts,
  transitions,
  related_reason,
  proposal,
  checked,
  files,
  masked,
  progress,
  ...summary
}) {
  const waits_for = waitsFor({ state: summary.state, progress });
  return waits_for === undefined ? summary : { ...summary, waits_for };
}

/** The state of one mock hub and what tests may do to it. */
export class MockHub {
  cases = new Map();
  gateways = new Map(makeGateways(Date.now()).map((gateway) => [gateway.id, gateway]));
  events = [];
  seq = 0;
  sessions = new Map();
  attempts = 0;
  streams = new Set();
  /** While true, every stream and request is refused as by a dead line. */
  down = false;
  streamsOpened = 0;
  /** What was done under an idempotency key: the same key again gets the same answer. */
  keys = new Map();
  /** While true, requests that change something are done and then not answered. */
  loseAnswers = false;
  admin = makeAdmin();
  chains = makeChains();
  /** The link to a parent hub, where there is one. */
  parent = null;
  /** Child hubs, where there are any (`makeChildren`): most hubs have none. */
  children = { hubs: [], cases: [], commands: [] };
  floods = [];
  consoles = [];
  uploads = [];
  reveals = [];
  summaryOf = summaryOf;

  constructor({ empty = false } = {}) {
    if (empty) return;
    const now = Date.now();
    for (const { at, given } of startCases(now)) this.add(given, at);
    this.change(4, "acknowledge", { username: "wang", display_name: "王芳" });
    this.change(6, "acknowledge", { username: "wang", display_name: "王芳" });
    const wang = { username: "wang", display_name: "王芳" };
    this.change(6, "file", wang, "已通知物业更换电池", { condition: "alarm_stands" });
    this.change(6, "dispatch", wang, null, { unit: "lihu-property" });
  }

  add(given, at = Date.now()) {
    const found = makeCase(this.cases.size + 1, given, at);
    this.cases.set(found.id, found);
    this.tell("case", { change: "opened", case: summaryOf(found) });
    return found;
  }

  addReport(body, user) {
    const found = caseOfReport(this.cases.size + 1, body, user, Date.now());
    this.cases.set(found.id, found);
    this.tell("case", { change: "opened", case: summaryOf(found) });
    return found;
  }

  /** A case in full, for this person. */
  whole(found, user) {
    const { files, masked, proposal, checked, ...rest } = found;
    const waits_for = waitsFor(found);
    const progress = { ask: null, appeal: null, merged: null, took_in: [], ...rest.progress };
    return {
      ...rest,
      ...(waits_for && { waits_for }),
      progress,
      units: UNITS,
      allowed_actions: allowedActions(found, user),
    };
  }

  /** Units and handlers see what is theirs. */
  sees(found, user) {
    return user.unit === undefined || found.unit?.code === user.unit;
  }

  /** One step of a case, as by another officer. */
  change(id, action, user, reason = null, details = {}) {
    const found = this.cases.get(id);
    const now = new Date().toISOString();
    const from = found.state;
    const proposes = needsTwo(found, action) && found.proposal?.action !== action;
    found.proposal = proposes ? { action, by: user.username } : null;
    const left = found.progress?.merged;
    if (!proposes) step(found, action, user, details, now);
    if (action === "merge") takeIn(this, found, details.case, from, now);
    if (action === "undo_merge") giveBack(this, found, left, now);
    found.version += 1;
    found.updated_at = now;
    const seq = id * 10 + found.transitions.length;
    const who = { actor: user.username, actor_name: user.display_name };
    found.transitions.push({
      seq,
      at: now,
      ...who,
      action: proposes ? `propose_${action}` : action,
      from,
      to: found.state,
      reason,
      ...(Object.keys(details).length > 0 ? { details } : {}),
    });
    this.tell("case", { change: proposes ? "updated" : changeOf(action), case: summaryOf(found) });
    return found;
  }

  tell(event, data) {
    this.seq += 1;
    const whole = { event, data: { seq: this.seq, at: new Date().toISOString(), ...data } };
    this.events.push(whole);
    for (const stream of this.streams) this.write(stream, whole);
  }

  write(stream, { event, data }) {
    stream.write(`id: ${data.seq}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** A flood begins, or ends once it has `ended_at`. */
  flood(flood) {
    this.floods = [flood, ...this.floods.filter((each) => each.id !== flood.id)];
    this.tell("flood", { flood });
  }

  /** Something of a child changed; `about` has the key of a case where it is about one. */
  childChanged(change, hub, about) {
    const key = about ? { case_epoch: about.case_epoch, case: about.case } : {};
    this.tell("child", { change, hub, ...key });
  }

  /** Breaks every stream, as a cut line does. */
  cut() {
    for (const stream of this.streams) stream.destroy();
    this.streams.clear();
  }
}

function reply(response, status, body, headers = {}) {
  const problem = status >= 400;
  const type = problem ? "application/problem+json" : "application/json";
  response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store", ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

const refuse = (response, status, type, detail, extra = {}, headers = {}) =>
  reply(response, status, { type, title: type, status, detail, ...extra }, headers);

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString() || "{}");
}

function serveFile(path, response) {
  const wanted = normalize(join(DIST, path));
  const found = wanted.startsWith(DIST) && existsSync(wanted) && statSync(wanted).isFile();
  const file = found ? wanted : join(DIST, "index.html");
  if (!existsSync(file)) {
    response.writeHead(503).end("no build: run `npm run build` first");
    return;
  }
  response.writeHead(200, {
    "Content-Type": MEDIA_TYPES[extname(file)] ?? "application/octet-stream",
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
  });
  createReadStream(file).pipe(response);
}

function openStream(hub, request, response, after) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.write(
    `event: hello\ndata: ${JSON.stringify({ seq: hub.seq, hub_time: new Date().toISOString() })}\n\n`,
  );
  if (after !== null) {
    for (const event of hub.events) if (event.data.seq > after) hub.write(response, event);
  }
  hub.streams.add(response);
  hub.streamsOpened += 1;
  const ping = setInterval(() => response.write(": ping\n\n"), 10_000);
  request.on("close", () => {
    clearInterval(ping);
    hub.streams.delete(response);
  });
}

/** As the hub lists: open ones most urgent first, then oldest; others newest first; page by page. */
function listCases(hub, search, user) {
  const state = search.get("state") ?? "open";
  const limit = Number(search.get("limit") ?? 100);
  const from = Number(search.get("after") ?? 0);
  const wanted = (found) =>
    !found.is_drill &&
    hub.sees(found, user) &&
    (state === "all" || ended(found) === (state === "ended")) &&
    !(state === "open" && found.silenced) &&
    !(search.has("waits_for") && waitsFor(found) === undefined);
  const items = [...hub.cases.values()].filter(wanted);
  if (state === "open")
    items.sort((a, b) => order(a.severity, b.severity) || order(a.opened_at, b.opened_at));
  else items.reverse();
  const page = items.slice(from, from + limit);
  const next = from + limit < items.length ? String(from + limit) : null;
  return { items: page.map(summaryOf), next, total_open: openTotals(hub) };
}

const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

function openTotals(hub) {
  const totals = { P1: 0, P2: 0, P3: 0, P4: 0 };
  for (const found of hub.cases.values())
    if (!ended(found) && !found.is_drill && !found.silenced) totals[found.severity] += 1;
  return totals;
}

async function signIn(hub, request, response) {
  const { username, password } = await bodyOf(request);
  if (hub.attempts >= 5)
    return refuse(response, 429, "too-many-attempts", "too many attempts", {}, { "Retry-After": "30" });
  if (!Object.hasOwn(USERS, username) || password !== username) {
    hub.attempts += 1;
    return refuse(response, 401, "wrong-credentials", "user name or password is wrong");
  }
  hub.attempts = 0;
  const token = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
  const session = {
    username,
    ...USERS[username],
    expires_at: new Date(Date.now() + 12 * 3_600_000).toISOString(),
  };
  hub.sessions.set(token, session);
  const cookie = `gw_session=${token}; HttpOnly; SameSite=Strict; Path=/`;
  return reply(response, 200, sessionOf(session), { "Set-Cookie": cookie });
}

async function act(hub, id, request, response, user) {
  const found = hub.cases.get(id);
  const { action, reason, version, ...details } = await bodyOf(request);
  if (!found) return refuse(response, 404, "not-found", "no such case");
  const whole = () => hub.whole(found, user);
  if (version !== found.version) {
    return refuse(response, 409, "version-conflict", "the case has changed", { current: whole() });
  }
  const allowed = allowedActions(found, user).find((each) => each.action === action);
  if (!allowed) return refuse(response, 422, "wrong-state", "not possible in this state");
  if (allowed.missing?.[0].code === "second_person")
    return refuse(response, 422, "second-person-needed", allowed.blocked.en);
  if (allowed.needs_reason && !reason?.trim())
    return refuse(response, 422, "reason-needed", "a reason is needed");
  const missing = [...(allowed.missing ?? []), ...missingIn(action, details)];
  if (missing.length > 0) return refuse(response, 422, "incomplete", missing[0].text.en, { missing });
  hub.change(id, action, user, reason ?? null, details);
  return reply(response, 200, whole());
}

function get(hub, path, search, request, response, user) {
  const now = Date.now();
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  const [first, second, third] = parts;
  if (first === "cases" && second === undefined) {
    return reply(response, 200, listCases(hub, search, user));
  }
  if (first === "cases") {
    const found = hub.cases.get(Number(second));
    if (!found) return refuse(response, 404, "not-found", "no such case");
    if (third === "similar") return reply(response, 200, { items: similarTo(hub, found) });
    if (third === "series") return reply(response, 200, hub.series?.(found) ?? makeSeries(found, now));
    if (third === "evidence" && parts[3] === undefined)
      return reply(response, 200, listEvidence(hub, Number(second), user));
    if (third === "evidence") {
      const tools = toolsOf(response);
      return getEvidence(hub, [null, second, parts[3]], response, user, tools);
    }
    if (third !== undefined) return refuse(response, 404, "not-found", `no ${path}`);
    return reply(response, 200, hub.whole(found, user));
  }
  if (first === "contacts") return reply(response, 200, makeContacts(search.get("place")));
  if (first === "floods") {
    const lasting = search.get("state") === "lasting";
    return reply(response, 200, {
      items: hub.floods.filter((each) => !(lasting && each.ended_at)),
      next: null,
    });
  }
  if (first === "areas") return reply(response, 200, { items: AREAS });
  if (path === "/map/workers") {
    const may = ["duty_officer", "shift_leader", "dispatcher", "supervisor", "administrator"];
    if (!may.includes(user.role))
      return refuse(response, 403, "not-allowed", "only who sends people may see where grid workers are");
    return reply(response, 200, makeWorkers(hub, now));
  }
  if (path === "/map/tiles.pmtiles") return sendTiles(hub, request, response, toolsOf(response));
  if (first === "map") return reply(response, 200, makeMap(hub));
  if (path === "/statistics/today") return reply(response, 200, makeToday(hub, now, summaryOf));
  if (first === "reports" && ["cases", "units", "areas"].includes(second))
    return reply(response, 200, hub.reports?.(second) ?? makeRates(second, search));
  if (first === "gateways" && second === undefined)
    return reply(response, 200, { items: [...hub.gateways.values()] });
  if (first === "gateways" && third === "devices")
    return reply(response, 200, { items: hub.devices?.(second) ?? makeDevices(second, now) });
  if (first === "gateways" && third === "models")
    return reply(response, 200, hub.models?.(second) ?? makeModels(second, now));
  if (first === "gateways" && third === "quarantine" && parts[3] === "profile")
    return reply(response, 200, hub.profile ?? makeProfile(search.get("source") ?? ""));
  if (first === "gateways" && third === "quarantine")
    return reply(response, 200, { items: hub.quarantine?.(second) ?? makeQuarantine(second, now) });
  if (first === "gateways" && third === "commissionings")
    return reply(response, 200, hub.commissionings?.(second) ?? makeCommissionings(second, now));
  if (first === "sites") return reply(response, 200, { items: hub.sites ?? SITES });
  if (path === "/statistics/load") {
    const load = {
      officer_last_hour: hub.load ?? 7,
      acknowledged_by_me_last_hour: 2,
      target: 6,
      maximum: 12,
    };
    return reply(response, 200, {
      ...load,
      open_by_severity: openTotals(hub),
      oldest_unacknowledged_ms: null,
    });
  }
  if (first === "children" && readChildren(hub.children, path, search, user, toolsOf(response))) return;
  if (path === "/parent") return reply(response, 200, { link: hub.parent });
  if (path === "/directory/unassigned")
    return reply(response, 200, hub.unassigned ?? { sites: [], devices: [], next: null });
  const administered = readAdmin(hub.admin, path, search);
  if (administered !== undefined) return reply(response, 200, administered);
  return refuse(response, 404, "not-found", `no ${search.toString() ? "such resource" : path}`);
}

const toolsOf = (response) => ({
  reply: (status, body) => reply(response, status, body),
  refuse: (status, type, detail) => refuse(response, status, type, detail),
});

/** Remembers the answer to a request under its key, and gives it again for the same key. */
function withKey(hub, request, response, user) {
  const key = request.headers["idempotency-key"];
  const end = response.end.bind(response);
  const head = response.writeHead.bind(response);
  let status = 200;
  response.writeHead = (code, headers) => {
    status = code;
    return head(code, headers);
  };
  const known = key && hub.keys.get(`${user.username} ${key}`);
  if (known) {
    reply(response, known.status, JSON.parse(known.body));
    return true;
  }
  response.writeHead = (code, headers) => {
    status = code;
    if (!hub.loseAnswers) head(code, headers);
    return response;
  };
  response.end = (body) => {
    if (key && status < 300) hub.keys.set(`${user.username} ${key}`, { status, body: body ?? "null" });
    if (hub.loseAnswers) return request.socket.destroy();
    return end(body);
  };
  return false;
}

/** Paths of the administration pages. */
const ADMINISTERED = /^\/(directory|users|rosters|silences|notifications|duty)\b/;

async function write(hub, path, search, request, response, user) {
  const tools = toolsOf(response);
  if (path === "/duty/console") {
    hub.consoles.push(await bodyOf(request));
    return response.writeHead(204).end();
  }
  if (path === "/audit/verify") return verify(hub.chains, await bodyOf(request), user, tools);
  if (ADMINISTERED.test(path)) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    if (await writeAdmin(hub.admin, request, path, search, body, tools)) return endSilenced(hub);
  }
  if (withKey(hub, request, response, user)) return;
  const action = /^\/cases\/(\d+)\/actions$/.exec(path);
  const parted = /^\/cases\/(\d+)\/split$/.exec(path);
  const file = /^\/cases\/(\d+)\/evidence\/([0-9a-f]{64})$/.exec(path);
  const shown = /^\/cases\/(\d+)\/reveals$/.exec(path);
  if (request.method === "PUT" && file) return putEvidence(hub, file, request, user, tools);
  if (request.method !== "POST") return tools.refuse(405, "method-not-allowed", "not here");
  if (path.startsWith("/children/")) {
    const asked = hub.children.commands.length;
    const ours = askChildren(hub.children, path, await bodyOf(request), user, tools);
    const newest = hub.children.commands.slice(asked)[0];
    if (newest) hub.childChanged("command", newest.hub, newest.command);
    if (ours) return;
  }
  if (action) return act(hub, Number(action[1]), request, response, user);
  if (parted) return splitCase(hub, Number(parted[1]), await bodyOf(request), user, tools);
  if (shown) return reveal(hub, Number(shown[1]), await bodyOf(request), user, tools);
  if (path === "/cases") return report(hub, await bodyOf(request), user, tools);
  return tools.refuse(404, "not-found", `no ${path}`);
}

async function handle(hub, request, response) {
  const url = new URL(request.url ?? "/", "http://mock");
  if (hub.down) return request.socket.destroy();
  if (!url.pathname.startsWith("/api/v1/")) return serveFile(url.pathname, response);
  const path = url.pathname.slice("/api/v1".length);
  const method = request.method;
  if (method !== "GET" && request.headers["x-gridwatch-request"] !== "1") {
    return refuse(response, 403, "not-allowed", "the header X-Gridwatch-Request is missing");
  }
  if (path === "/session" && method === "POST") return signIn(hub, request, response);
  const token = /gw_session=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
  const user = hub.sessions.get(token);
  if (user === undefined) return refuse(response, 401, "not-signed-in", "nobody is signed in");
  if (path === "/session" && method === "DELETE") {
    hub.sessions.delete(token);
    return response.writeHead(204).end();
  }
  if (path === "/session") return reply(response, 200, sessionOf(user));
  if (path === "/events") {
    const after = url.searchParams.get("after");
    return openStream(hub, request, response, after === null ? null : Number(after));
  }
  if (method !== "GET") return write(hub, path, url.searchParams, request, response, user);
  return get(hub, path, url.searchParams, request, response, user);
}

/** Starts a mock on a port (0 chooses one); gives its address, its state and how to stop it. */
export async function startMock({ port = 0, empty = false } = {}) {
  const hub = new MockHub({ empty });
  const server = createServer((request, response) => {
    handle(hub, request, response).catch((error) => refuse(response, 500, "internal", String(error)));
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  // A test that fails before it stops its mock must not keep the process.
  if (port === 0) server.unref();
  const stop = () => {
    hub.cut();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}`, hub, stop };
}

export { ACK_MS };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url, hub } = await startMock({ port: Number(process.env.PORT ?? 8790) });
  console.log(`mock hub at ${url} (officer/officer, supervisor/supervisor)`);
  // One new case now and then, so that the board lives.
  const { SMOKE } = await import("./mock-data.mjs");
  const every = Number(process.env.NEW_CASE_EVERY_S ?? 45) * 1000;
  if (every > 0) {
    setInterval(() => {
      const severity = ["P1", "P2", "P3", "P4"][Math.floor(Math.random() * 4)];
      hub.add({ ...SMOKE, kind: severity === "P1" ? "smoke" : "door_held", severity });
    }, every);
  }
}
