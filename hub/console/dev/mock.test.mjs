/**
 * The development mock answers as the hub says in its description. Pages are built and tested on the mock:
 * where it lies, they work with it and fail at a hub.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readContract } from "./contract.mjs";
import { startMock } from "./mock.mjs";
import { fetchCommands, makeChildren, obey } from "./mock-children.mjs";
import { lostParent, makeParent } from "./mock-parent.mjs";
import { changedAt } from "./mock-verify.mjs";

const contract = readContract();
const { paths } = JSON.parse(readFileSync(new URL("../../openapi.json", import.meta.url), "utf8"));

let mock;
const cookies = new Map();

beforeAll(async () => {
  mock = await startMock();
  mock.hub.children = makeChildren();
});
afterAll(() => mock.stop());

async function signIn(user, password = user) {
  const answer = await ask(null, "POST", "/session", { username: user, password });
  if (answer.status === 200) cookies.set(user, answer.cookie);
  return answer;
}

/** Asks as this user; fails when what is asked or answered is not in the description. */
async function ask(user, method, path, body, headers = {}) {
  if (user !== null && !cookies.has(user)) await signIn(user);
  const url = new URL(`/api/v1${path}`, mock.url);
  const type = body instanceof Uint8Array ? "image/png" : "application/json";
  const sent = body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body);
  const answer = await fetch(url, {
    method,
    headers: {
      "X-Gridwatch-Request": "1",
      "Content-Type": type,
      ...(user === null ? {} : { Cookie: cookies.get(user) }),
      ...headers,
    },
    body: sent,
  });
  const text = await answer.text();
  const asked = contract.request(method, url.pathname, url.searchParams, type, sent ?? null);
  const kind = answer.headers.get("content-type");
  const answered = contract.answer(method, url.pathname, answer.status, kind, text);
  expect([...asked, ...answered]).toEqual([]);
  const json = /json/.test(kind ?? "") && text !== "" ? JSON.parse(text) : null;
  return { status: answer.status, json, cookie: answer.headers.get("set-cookie")?.split(";")[0] };
}

test("the check finds what no hub sends: a field too few, too many, a wrong word, a wrong route", () => {
  const answer = (body, path = "/api/v1/session", status = 200) =>
    contract.answer("GET", path, status, "application/json", JSON.stringify(body));
  const session = {
    username: "a",
    display_name: "b",
    role: "handler",
    expires_at: "2026-11-22T00:00:00.000Z",
  };
  expect(answer(session)).toEqual([]);
  expect(answer({ ...session, role: "king" }).join()).toContain("/role");
  expect(answer({ ...session, unit: "x" }).join()).toContain("unit");
  expect(answer({ ...session, expires_at: "soon" }).join()).toContain("date-time");
  expect(answer({ ...session, username: undefined }).join()).toContain("username");
  expect(answer(session, "/api/v1/nothing").join()).toContain("no such route");
  expect(answer(session, "/api/v1/session", 299).join()).toContain("status");
  const child = {
    ...{ id: "1", case_epoch: 1, case: 2, by_name: "a", role: "supervisor", reason: "x" },
    ...{ at: "2026-11-22T00:00:00.000Z", asked_by: "a" },
  };
  const commanded = (command) =>
    contract.answer(
      "POST",
      "/api/v1/children/x/cases/1/2/commands",
      202,
      "application/json",
      JSON.stringify(command),
    );
  expect(commanded({ ...child, action: "comment" })).toEqual([]);
  expect(commanded({ ...child, action: "comment", mood: "bad" }).join()).toContain("mood");
  expect(
    contract.request("GET", "/api/v1/cases", new URLSearchParams("state=open&colour=red"), null, null).join(),
  ).toContain("colour");
});

/** Where the description has a parameter in a path: what the mock has. */
const AT = {
  "/gateways/{id}": "/gateways/gw-lihu-1",
  "/cases/{id}": "/cases/1",
  "/children/{hub}/cases/{epoch}/{case}": "/children/donghu/cases/1/11",
  "/rosters/{area}": "/rosters/440605004",
  "{table}": "units",
};
const SEARCH = {
  "/calendar": "?year=2026",
  "/contacts": "?place_kind=hazard&place=hz-1",
  "/gateways/gw-lihu-1/quarantine/profile": "?source=tele/boiler/SENSOR",
  "/reports/areas": "?from=2026-11-01&to=2026-11-20",
  "/reports/units": "?from=2026-11-01&to=2026-11-20",
  "/reports/cases": "?from=2026-11-01&to=2026-11-20&by=day",
};
/** Streams and files are asked for elsewhere. */
const NOT_JSON = /\/events$|\.csv$|\.ics$|openapi\.json$|outlines$/;

test("what the mock answers to a question is what the hub answers", async () => {
  const served = [];
  await signIn("admin");
  for (const [path, methods] of Object.entries(paths)) {
    if (methods.get === undefined || !path.startsWith("/api/v1/") || NOT_JSON.test(path)) continue;
    let at = path.slice("/api/v1".length);
    for (const [from, to] of Object.entries(AT)) at = at.replace(from, to);
    if (at.includes("{")) continue;
    const asked = `/api/v1${at}${SEARCH[at] ?? ""}`;
    const { status } = await fetch(mock.url + asked, { headers: { Cookie: cookies.get("admin") } });
    // What the mock has not, no page needs yet.
    if (status === 404) continue;
    await ask("admin", "GET", at + (SEARCH[at] ?? ""));
    served.push(at);
  }
  // The pages of the console ask for at least these.
  expect(served).toEqual(
    expect.arrayContaining([
      ...["/areas", "/audit", "/calendar", "/calendar/warnings", "/cases", "/cases/1", "/cases/1/evidence"],
      ...["/cases/1/series", "/catalogue", "/contacts", "/directory/units", "/duty", "/gateways", "/map"],
      ...["/notifications", "/notifications/channels", "/reports/areas", "/reports/cases", "/reports/units"],
      ...["/rosters/440605004", "/session", "/silences", "/sites", "/statistics/load", "/statistics/today"],
      ...["/users", "/children", "/children/cases", "/children/donghu/cases/1/11"],
    ]),
  );
});

test("every case, every gateway and every list of ended cases too", async () => {
  for (const id of mock.hub.cases.keys()) await ask("officer", "GET", `/cases/${id}`);
  await ask("officer", "GET", "/cases?state=ended");
  for (const id of mock.hub.gateways.keys()) {
    for (const part of ["devices", "models", "quarantine", "commissionings"])
      await ask("officer", "GET", `/gateways/${id}/${part}`);
  }
  for (const table of ["areas", "sites", "units", "duties", "hazards", "contacts"])
    await ask("admin", "GET", `/directory/${table}`);
});

test("a wrong password, a strange session and a missing case are refused as the hub refuses", async () => {
  expect((await signIn("officer", "wrong")).status).toBe(401);
  cookies.set("nobody", "gw_session=none");
  expect((await ask("nobody", "GET", "/cases")).status).toBe(401);
  expect((await ask("officer", "GET", "/cases/999")).status).toBe(404);
});

const act = async (user, id, action, more = {}) => {
  const { json } = await ask(user, "GET", `/cases/${id}`);
  return ask(user, "POST", `/cases/${id}/actions`, { action, version: json.version, ...more });
};

test("a case goes its way in the hub's own words", async () => {
  await act("officer", 2, "acknowledge");
  expect((await act("officer", 2, "file")).status).toBe(422);
  expect((await act("officer", 2, "file", { version: 1, condition: "alarm_stands" })).status).toBe(409);
  await act("officer", 2, "file", { condition: "alarm_stands" });
  await act("officer", 2, "dispatch", { unit: "lihu-property" });
  await act("worker", 2, "handle");
  await act("worker", 2, "ask_extension", { reason: "等配件", until: "2026-12-01T00:00:00.000Z" });
  await act("supervisor", 2, "decide", { reason: "同意", yes: true });
  const evidence = [{ kind: "photo", sha256: "a".repeat(64), name: "p", at: "2026-11-22T00:00:00.000Z" }];
  await act("worker", 2, "feedback", { reason: "已关门", evidence });
  await act("officer", 2, "check");
  await act("officer", 2, "checked", { reason: "属实", yes: true });
  expect((await act("officer", 2, "close", { conditions: ["done"] })).json.state).toBe("closed");
  await act("officer", 1, "reject", { reason: "误报", condition: "false_alarm" });
  expect((await act("officer", 1, "reject", { reason: "误报", condition: "false_alarm" })).status).toBe(422);
});

test("photos, reveals and reports are taken as the hub takes them", async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  await ask("officer", "PUT", `/cases/4/evidence/${sha256}`, bytes, { "Idempotency-Key": "k1" });
  expect((await ask("officer", "GET", "/cases/4/evidence")).json.items).toHaveLength(1);
  expect((await ask("officer", "PUT", `/cases/4/evidence/${"0".repeat(64)}`, bytes)).status).toBe(422);
  await ask("officer", "POST", "/cases/4/reveals", { what: "evidence", reason: "核实" });
  const body = { category: "water_leak", description: "三栋门口积水", area: "440605004012003" };
  expect((await ask("worker", "POST", "/cases", body, { "Idempotency-Key": "k2" })).status).toBe(201);
  await ask("worker", "POST", "/cases", { ...body, description: "又有积水" }, { "Idempotency-Key": "k3" });
  await ask("officer", "POST", "/duty/console", { console: "c1", armed: true, visible: true });
});

test("what administrators change is changed as the hub changes it", async () => {
  const unit = {
    ...{ code: "fire", name: { zh: "消防", en: "Fire" }, kind: "fire", area: "440605", phone: null },
  };
  const match = { "If-Match": `"${mock.hub.admin.version}"` };
  await ask("admin", "PUT", "/directory/units/fire", unit, match);
  expect((await ask("admin", "PUT", "/directory/units/fire", unit, match)).status).toBe(412);
  await ask("admin", "DELETE", "/directory/units/fire", undefined, {
    "If-Match": `"${mock.hub.admin.version}"`,
  });
  const made = { username: "li", display_name: "李", role: "handler", unit: "lihu-property" };
  await ask("admin", "POST", "/users", made);
  await ask("admin", "POST", "/users/li/disable");
  await ask("admin", "POST", "/users/li/enable");
  const { json } = await ask("admin", "GET", "/rosters/440605004");
  await ask("admin", "PUT", "/rosters/440605004", { version: json.version, roster: json.roster });
  expect((await ask("admin", "PUT", "/rosters/440605004", { version: 0, roster: json.roster })).status).toBe(
    409,
  );
  const night = { name: "夜班", from: "20:00", until: "08:00", first_day: "2026-11-01" };
  const shifts = [{ ...night, crews: [{ officers: ["nobody"] }] }];
  const other = { version: 0, roster: { area: "440605004012", shifts } };
  expect((await ask("admin", "PUT", "/rosters/440605004012", other)).json.detail).toMatch(/no active user/);
  shifts[0].crews[0].officers = ["wang"];
  await ask("admin", "PUT", "/rosters/440605004012", other);
  await ask("admin", "GET", "/duty");
  expect((await ask("admin", "DELETE", "/rosters/440605004012?version=7")).status).toBe(409);
  expect((await ask("admin", "DELETE", "/rosters/440605004012?version=1")).status).toBe(204);
  const wanted = {
    why: "换电池",
    matcher: { site: "lihu", device: "d" },
    until: "2026-12-01T00:00:00.000Z",
    weekly: [],
  };
  const silence = await ask("admin", "POST", "/silences", wanted);
  await ask("admin", "GET", "/silences");
  await ask("admin", "POST", "/silences", { ...wanted, matcher: { category: "fire_suspected" } });
  expect((await ask("admin", "POST", "/silences", { ...wanted, matcher: { device: "d" } })).status).toBe(422);
  await ask("admin", "DELETE", `/silences/${silence.json.id}?version=${silence.json.version}`);
  await ask("admin", "POST", "/notifications/channels/duty-room/test");
  await ask("admin", "POST", "/notifications/n1/retry");
});

test("the chains are read part by part, by those who may", async () => {
  const first = await ask("admin", "POST", "/audit/verify", { chain: "audit" });
  expect([first.json.verdict, first.json.next]).toEqual(["goes_on", "5000"]);
  const last = await ask("auditor", "POST", "/audit/verify", { chain: "audit", after: "10000", heads: "{}" });
  expect([last.json.verdict, last.json.through]).toEqual(["whole", 12_345]);
  mock.hub.chains.cases.broken = changedAt(7);
  const { json } = await ask("auditor", "POST", "/audit/verify", { chain: "cases" });
  expect([json.verdict, json.checked, json.broken.link]).toEqual(["broken", 6, 7]);
  mock.hub.chains.cases.broken = null;
  expect((await ask("officer", "POST", "/audit/verify", { chain: "cases" })).status).toBe(403);
  expect((await ask("admin", "POST", "/audit/verify", { chain: "x" })).status).toBe(422);
});

test("the link to a parent hub is told as the hub tells it", async () => {
  expect((await ask("officer", "GET", "/parent")).json.link).toBeNull();
  for (const link of [makeParent(), lostParent(60_000), lostParent(600_000)]) {
    mock.hub.parent = link;
    expect((await ask("officer", "GET", "/parent")).json.link.overdue).toBe(link.overdue);
  }
  mock.hub.parent = null;
});

test("a child hub is asked, and its answers come, as they come from a hub", async () => {
  const at = "/children/donghu/cases/1/11";
  const reason = "请一小时内报告";
  for (const [user, what] of [
    ["officer", { action: "comment" }],
    ["supervisor", { action: "ask_report" }],
    ["supervisor", { action: "set_urgent", yes: false }],
    ["supervisor", { action: "set_card", card: "red" }],
  ])
    expect((await ask(user, "POST", `${at}/commands`, { ...what, reason })).status).toBe(202);
  const refused = { action: "set_card", card: "red", reason };
  expect((await ask("officer", "POST", `${at}/commands`, refused)).status).toBe(403);
  expect((await ask("supervisor", "POST", `${at}/commands`, { ...refused, reason: " " })).status).toBe(422);
  fetchCommands(mock.hub.children);
  const fetched = (await ask("supervisor", "GET", at)).json.commands;
  expect(fetched.every((each) => each.delivered_at && !each.result)).toBe(true);
  obey(mock.hub.children);
  mock.hub.childChanged("case", "donghu");
  await ask("supervisor", "POST", `${at}/commands`, { action: "comment", reason });
  obey(mock.hub.children, "the case is archived");
  const { json } = await ask("supervisor", "GET", at);
  expect(json.commands.map((each) => each.result.outcome)).toEqual([
    ...["done", "done", "done", "done", "refused"],
  ]);
  for (const part of [
    "state=all",
    "cards=true",
    "late=true",
    "calls=true",
    "severity=P1,P2",
    "step=handling",
  ])
    expect((await ask("supervisor", "GET", `/children/cases?${part}`)).json.items.length).toBeGreaterThan(0);
  const first = (await ask("supervisor", "GET", "/children/cases?limit=50")).json;
  const rest = (await ask("supervisor", "GET", `/children/cases?limit=50&after=${first.next}`)).json;
  expect([first.items.length, rest.next]).toEqual([50, null]);
  expect((await ask("supervisor", "GET", "/children/donghu/cases/1/999")).status).toBe(404);
});

test("the live stream tells what the hub tells", () => {
  expect(mock.hub.events.length).toBeGreaterThan(10);
  expect(mock.hub.events.filter(({ event }) => event === "child").length).toBeGreaterThan(1);
  for (const { event, data } of mock.hub.events) expect(contract.event(event, data)).toEqual([]);
});
