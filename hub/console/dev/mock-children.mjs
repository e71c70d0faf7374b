/**
 * What the mock answers about child hubs: invented ones, their cases, and what they are asked for. A child
 * takes what it is asked for at once when a test says so (`obey`), as it would with its next heartbeat.
 */
import { randomUUID } from "node:crypto";
import { AREAS } from "./mock-work.mjs";

const text = (zh, en) => ({ zh, en });
const iso = (ms) => new Date(ms).toISOString();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const WATCH = ["dispatcher", "shift_leader", "supervisor", "leader", "administrator"];

const step = (seq, action, from, to, at) => ({ seq, action, from, to, at: iso(at) });
const area = ({ code, name, level }) => ({ code, name, level });

function head(epoch, audit, transitions, at, restored = false) {
  const end = (links) => ({ links, hash: String(links % 10).repeat(64) });
  return {
    epoch,
    audit: end(audit),
    transitions: end(transitions),
    at: iso(at),
    restored,
    signature: "ab".repeat(64),
  };
}

function document(number, given, now) {
  const { opened = now - HOUR, steps = [], ...rest } = given;
  const at = steps.at(-1)?.at ?? iso(opened);
  return {
    case_epoch: 1,
    case: number,
    number: `20261122-${String(number).padStart(6, "0")}`,
    version: steps.length + 1,
    state: steps.at(-1)?.to ?? "reported",
    is_open: true,
    severity: "P3",
    category: "water_leak",
    category_name: text("漏水", "Water leak"),
    title: text("漏水 · 东湖花园", "Water leak · East Lake Garden"),
    site: "donghu",
    area_path: AREAS.slice(0, 2).map(({ code, name }) => ({ code, name })),
    place: { building: "6", room: "地下车库" },
    card: "none",
    opened_at: iso(opened),
    updated_at: at,
    alert_count: 1,
    alerts_active: 1,
    steps,
    ...rest,
  };
}

const WAY = ["reported", "filed", "dispatched", "handling", "feedback", "post_check", "closed"];
const DONE = ["report", "file", "dispatch", "handle", "feedback", "check", "close"];

/** The steps up to this state, ten minutes each. */
function upTo(state, opened) {
  return WAY.slice(0, WAY.indexOf(state) + 1).map((to, n) =>
    step(n + 1, DONE[n], WAY[n - 1] ?? null, to, opened + n * 10 * MINUTE),
  );
}

function startCases(now) {
  const opened = now - 5 * HOUR;
  const cases = [
    document(
      11,
      {
        severity: "P1",
        category: "fire_suspected",
        category_name: text("疑似火情", "Suspected fire"),
        title: text("疑似火情 · 东湖花园", "Suspected fire · East Lake Garden"),
        opened: now - 20 * MINUTE,
        steps: upTo("dispatched", now - 20 * MINUTE),
        unit: { code: "fire", name: text("东湖消防站", "East Lake fire station") },
        urgent: true,
        due_at: iso(now + 40 * MINUTE),
        calls: [
          {
            number: 1,
            unit: "district-fire",
            at: iso(now - 8 * MINUTE),
            due: iso(now + 7 * MINUTE),
            reason: "请增派云梯车",
          },
        ],
      },
      now,
    ),
    document(
      12,
      {
        opened,
        steps: upTo("handling", opened),
        unit: { code: "donghu-property", name: text("东湖物业", "East Lake property") },
        card: "yellow",
        due_at: iso(now - 2 * HOUR),
      },
      now,
    ),
    document(
      13,
      {
        opened: now - 30 * HOUR,
        steps: upTo("closed", now - 30 * HOUR),
        is_open: false,
        ended_at: iso(now - 28 * HOUR),
        alerts_active: 0,
      },
      now,
    ),
  ];
  for (let number = 100; number < 160; number += 1)
    cases.push(document(number, { severity: "P4", opened: now - number * MINUTE }, now));
  return cases.map((found) => ({ hub: "donghu", case: found, received_at: iso(now - 5000) }));
}

export function makeChildren(now = Date.now()) {
  const base = { area: AREAS[1].code, area_path: AREAS.slice(0, 2).map(area), version: "0.1.0" };
  const hubs = [
    {
      ...base,
      id: "donghu",
      name: "东湖街道平台",
      state: "online",
      last_heartbeat_at: iso(now - 8000),
      clock_ahead_ms: 120,
      known: { epoch: 1, sequence: 4211 },
      newest: { epoch: 1, sequence: 4211 },
      head: head(1, 812, 3340, now - 12 * MINUTE),
    },
    {
      ...base,
      id: "xihu",
      name: "西湖街道平台",
      state: "silent",
      last_heartbeat_at: iso(now - 26 * MINUTE),
      clock_ahead_ms: -240_000,
      known: { epoch: 1, sequence: 900 },
      newest: { epoch: 2, sequence: 12 },
      head: head(2, 12, 40, now - 30 * MINUTE, true),
      audit_problem:
        "audit: it had 210 links at 2026-11-21T02:00:00.000Z and has 180 at 2026-11-22T02:00:00.000Z: its end was cut off",
    },
    { id: "beihu", name: "北湖街道平台", area: base.area, area_path: base.area_path, state: "never_heard" },
  ];
  return { hubs, cases: startCases(now), commands: [] };
}

const late = ({ case: found }, now) => found.is_open && !!found.due_at && Date.parse(found.due_at) < now;
const calls = ({ case: found }) => (found.calls ?? []).some((call) => !call.answered_at);

function counted(children, hub, now) {
  const mine = children.cases.filter(
    (each) => each.hub === hub.id && each.case.is_open && !each.case.is_drill,
  );
  const count = (passes) => mine.filter(passes).length;
  const of = (severity) => count((each) => each.case.severity === severity);
  return {
    ...hub,
    open: { P1: of("P1"), P2: of("P2"), P3: of("P3"), P4: of("P4") },
    yellow_cards: count((each) => each.case.card === "yellow"),
    red_cards: count((each) => each.case.card === "red"),
    late: count((each) => late(each, now)),
    calls_waiting: count(calls),
  };
}

function listCases(children, search, now) {
  const state = search.get("state") ?? "open";
  const severities = (search.get("severity") ?? "").split(",").filter((each) => each !== "");
  const limit = Number(search.get("limit") ?? 100);
  const from = Number(search.get("after") ?? 0);
  const found = children.cases.filter((each) => {
    if (search.get("hub") && each.hub !== search.get("hub")) return false;
    if (state !== "all" && each.case.is_open !== (state === "open")) return false;
    if (severities.length > 0 && !severities.includes(each.case.severity)) return false;
    if (search.get("step") && each.case.state !== search.get("step")) return false;
    if (search.get("cards") === "true" && each.case.card === "none") return false;
    if (search.get("late") === "true" && !late(each, now)) return false;
    return search.get("calls") !== "true" || calls(each);
  });
  found.sort(
    (a, b) =>
      a.case.severity.localeCompare(b.case.severity) || a.case.opened_at.localeCompare(b.case.opened_at),
  );
  const next = from + limit < found.length ? String(from + limit) : null;
  return { items: found.slice(from, from + limit), next };
}

const CASE = /^\/children\/([^/]+)\/cases\/(\d+)\/(\d+)(\/commands)?$/;

function one(children, [, hub, epoch, id]) {
  return children.cases.find(
    (each) => each.hub === hub && each.case.case_epoch === Number(epoch) && each.case.case === Number(id),
  );
}

const about = (children, { hub, case: found }) =>
  children.commands
    .filter((each) => each.hub === hub && each.command.case === found.case)
    .map((each) => each.command);

/** A read; true when it was one of these. */
export function readChildren(every, path, search, user, { reply, refuse }) {
  // People of a unit see the cases that call them, not the hubs.
  const called = (each) => (each.case.calls ?? []).some((call) => call.unit === user.unit);
  const children =
    user.unit === undefined ? every : { ...every, hubs: [], cases: every.cases.filter(called) };
  if (path === "/children") {
    reply(200, { items: children.hubs.map((hub) => counted(children, hub, Date.now())), next: null });
    return true;
  }
  if (path === "/children/cases") {
    reply(200, listCases(children, search, Date.now()));
    return true;
  }
  const at = CASE.exec(path);
  if (at === null || at[4] !== undefined) return false;
  const found = one(children, at);
  if (found === undefined) refuse(404, "not-found", `there is no case ${at[3]} of the hub \`${at[1]}\``);
  else reply(200, { ...found, commands: about(children, found) });
  return true;
}

const MAY = {
  comment: (role) => role !== "auditor",
  ask_report: (role) => WATCH.includes(role),
  set_urgent: (role) => WATCH.includes(role),
  set_card: (role) => role === "supervisor" || role === "leader",
  answer_call: (role) => role === "unit",
};

/** Something that is asked for; true when it was one of these. */
export function askChildren(children, path, body, user, { reply, refuse }) {
  const at = CASE.exec(path);
  if (at === null || at[4] === undefined) return false;
  const found = one(children, at);
  const { action, reason, ...more } = body;
  if (found === undefined) refuse(404, "not-found", `there is no case ${at[3]} of the hub \`${at[1]}\``);
  else if (!Object.hasOwn(MAY, action)) refuse(422, "invalid-request", `no action ${action}`);
  else if (!MAY[action](user.role))
    refuse(403, "not-allowed", `the role ${user.role} may not ask a child hub for this`);
  else if (!reason?.trim()) refuse(422, "reason-needed", "`reason` has 1 to 3500 bytes");
  else {
    const command = {
      id: randomUUID(),
      action,
      ...more,
      case_epoch: found.case.case_epoch,
      case: found.case.case,
      reason: reason.trim(),
      by_name: user.display_name,
      role: user.role,
      at: iso(Date.now()),
      asked_by: user.username,
    };
    children.commands.push({ hub: found.hub, command });
    reply(202, command);
  }
  return true;
}

/** The child fetches what waits, and has not answered yet. */
export function fetchCommands(children) {
  const now = iso(Date.now());
  for (const { command } of children.commands) if (!command.result) command.delivered_at ??= now;
}

/** The child does what waits for it, or refuses it with this reason; its case comes anew. */
export function obey(children, refusal = null) {
  const now = iso(Date.now());
  for (const { hub, command } of children.commands) {
    if (command.result) continue;
    command.delivered_at ??= now;
    command.settled_at = now;
    command.result = refusal ? { outcome: "refused", reason: refusal } : { outcome: "done", seq: 9 };
    const { case: found } = children.cases.find(
      (each) => each.hub === hub && each.case.case === command.case,
    );
    if (refusal) continue;
    if (command.action === "set_card") found.card = command.card;
    if (command.action === "set_urgent") found.urgent = command.yes;
    if (command.action === "answer_call")
      found.calls = found.calls.map((call) =>
        call.number === command.call ? { ...call, answered_at: now } : call,
      );
    found.version += 1;
    found.updated_at = now;
    const child = children.hubs.find((each) => each.id === hub);
    child.known = { ...child.known, sequence: child.known.sequence + 1 };
    child.newest = { ...child.newest, sequence: child.newest.sequence + 1 };
  }
}
