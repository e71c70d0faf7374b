/**
 * What the mock answers about floods, silences and cases that belong together. It plays the hub's rules as far as
 * the console shows them; nothing here is in the build.
 */
import { ended } from "./mock-loop.mjs";

const text = (zh, en) => ({ zh, en });
const iso = (ms) => new Date(ms).toISOString();
const DAY = 86_400_000;

function counted(found) {
  found.alert_count = found.alerts.length;
  found.alerts_active = found.alerts.filter((each) => !each.cleared_at).length;
  found.devices = [...new Set(found.alerts.map(({ alert }) => alert.device))];
  found.kinds = [...new Set(found.alerts.map(({ alert }) => alert.kind))];
}

/** A row that the hub itself writes; `by` where a person made it do so. */
function row(found, action, about, note, now, by = null, reason = null) {
  found.version += 1;
  found.updated_at = now;
  found.transitions.push({
    seq: found.id * 10 + found.transitions.length,
    at: now,
    actor: by?.username ?? "system",
    actor_name: by?.display_name ?? "system",
    action,
    from: found.state,
    to: found.state,
    reason,
    note,
    details: { case: about },
  });
}

/** The case `into` takes in what `found` holds. */
export function takeIn(hub, found, into, from, now) {
  const master = hub.cases.get(Number(into));
  found.progress = { ...found.progress, merged: { case: master.id, from } };
  for (const alert of found.alerts) alert.was_of = found.id;
  master.alerts.push(...found.alerts.splice(0));
  master.progress = { ...master.progress, took_in: [...(master.progress?.took_in ?? []), found.id] };
  if (found.severity < master.severity) master.severity = found.severity;
  counted(master);
  counted(found);
  row(master, "take_in", found.id, text(`并入事件 ${found.number}`, `took in case ${found.number}`), now);
  hub.tell("case", { change: "updated", case: hub.summaryOf(master) });
}

/** The case that took `found` in gives back what came from it. */
export function giveBack(hub, found, merged, now) {
  const master = hub.cases.get(merged.case);
  const mine = (alert) => alert.was_of === found.id;
  found.alerts.push(...master.alerts.filter(mine));
  master.alerts = master.alerts.filter((alert) => !mine(alert));
  master.progress.took_in = master.progress.took_in.filter((id) => id !== found.id);
  found.progress = { ...found.progress, merged: null };
  found.state = merged.from;
  counted(master);
  counted(found);
  const note = text(`撤销并案，事件 ${found.number} 恢复`, `gave case ${found.number} back`);
  row(master, "give_back", found.id, note, now);
  hub.tell("case", { change: "updated", case: hub.summaryOf(master) });
}

/** Open cases of the same category within a day, at the same site or in the same grid. */
export function similarTo(hub, found) {
  const items = [];
  for (const other of hub.cases.values()) {
    const apart = Math.abs(Date.parse(other.opened_at) - Date.parse(found.opened_at));
    const alike = other.category === found.category && other.is_drill === found.is_drill;
    if (other.id === found.id || ended(other) || !alike || apart >= DAY) continue;
    if (other.site.id !== found.site.id) continue;
    const same = other.place?.building !== undefined && other.place.building === found.place?.building;
    const minutes = Math.floor(apart / 60_000);
    items.push({
      score: 40 + (same ? 40 : 30) + (minutes < 10 ? 20 : minutes < 60 ? 15 : minutes < 360 ? 10 : 5),
      reasons: [
        text("类别相同", "the same category"),
        same ? text("同一楼栋", "the same building") : text("同一地点", "the same site"),
        text(`相隔 ${minutes} 分钟`, `${minutes} minutes apart`),
      ],
      metres: 0,
      case: hub.summaryOf(other),
    });
  }
  return items.sort((a, b) => b.score - a.score).slice(0, 10);
}

/** Takes alerts out of a case into a new one. */
export function splitCase(hub, id, { alerts, reason, version }, user, { reply, refuse }) {
  const found = hub.cases.get(id);
  if (found === undefined) return refuse(404, "not-found", `there is no case ${id}`);
  if (!reason?.trim()) return refuse(422, "reason-needed", "splitting a case needs a reason");
  if (version !== found.version)
    return refuse(409, "version-conflict", `the case has changed since version ${version}`);
  const leaving = found.alerts.filter(({ alert }) => alerts.includes(alert.id));
  if (leaving.length === found.alerts.length)
    return refuse(422, "invalid-request", "at least one alert must stay in the case");
  if (leaving.length !== alerts.length || leaving.length === 0)
    return refuse(422, "invalid-request", "not every one of these alerts is in the case");
  const now = iso(Date.now());
  const next = Math.max(...hub.cases.keys()) + 1;
  const opened = structuredClone(found);
  Object.assign(opened, {
    id: next,
    number: found.number.replace(/\d{6}$/, String(next).padStart(6, "0")),
    version: 1,
    state: "reported",
    severity: leaving.map(({ alert }) => alert.severity).sort()[0],
    alerts: leaving,
    opened_at: now,
    updated_at: now,
    acknowledged_at: null,
    acknowledged_by: null,
    ack_due_at: iso(Date.now() + 180_000),
    transitions: [],
    related: [id],
    related_reason: null,
    progress: undefined,
  });
  delete opened.group;
  row(
    opened,
    "report",
    id,
    text(`从事件 ${found.number} 拆出`, `split off case ${found.number}`),
    now,
    user,
    reason,
  );
  opened.version = 1;
  found.alerts = found.alerts.filter((each) => !leaving.includes(each));
  found.related = [...(found.related ?? []), next];
  counted(opened);
  counted(found);
  hub.cases.set(next, opened);
  const note = text(
    `${leaving.length} 条报警拆出到事件 ${opened.number}`,
    `alerts went to case ${opened.number}`,
  );
  row(found, "split_off", next, note, now, user, reason);
  hub.tell("case", { change: "opened", case: hub.summaryOf(opened) });
  hub.tell("case", { change: "updated", case: hub.summaryOf(found) });
  return reply(201, { case: hub.summaryOf(found), opened: hub.summaryOf(opened) });
}

/** Shows the cases whose silence is gone; those that nobody has acknowledged count as new. */
export function endSilenced(hub) {
  const there = new Set(hub.admin.silences.map((each) => each.id));
  for (const found of hub.cases.values()) {
    if (!found.silenced || there.has(found.silenced.silence)) continue;
    delete found.silenced;
    row(found, "unsilence", undefined, text("静默结束", "the silence has ended"), iso(Date.now()));
    hub.tell("case", { change: "opened", case: hub.summaryOf(found) });
  }
}
