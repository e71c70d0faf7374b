/** Fills the simulated hub with hostile texts: each in every field that a device, a gateway or a person fills. */
import { both, HOSTILE_TEXTS } from "./hostile.mjs";

export const now = () => new Date().toISOString();
/** Field `field` of case `turn`: over all turns every field has every text once. */
export const pick = (texts, turn, field) => texts[(turn + field * 29) % texts.length];

/** One case with a text in every field; gives what its page must show. */
export function addCase(hub, texts, turn) {
  let field = 0;
  const next = () => pick(texts, turn, field++);
  const trimmed = () => next().trim();
  const given = {
    severity: turn % 2 === 0 ? "P1" : ["P2", "P3", "P4"][turn % 3],
    title: both(next()),
    siteName: both(next()),
    site: next(),
    device: next(),
    known: false,
    kind: next(),
    rule: next(),
    place: { building: trimmed(), unit: trimmed(), floor: trimmed(), room: trimmed() },
    reason: both(next()),
    because: both(next()),
    evidence: [0, 1, 2].map((each) => ({
      device: next(),
      kind: next(),
      value: each === 0 ? next() : each,
      unit: next(),
      at: new Date(Date.now() - each * 1000).toISOString(),
      received_at: now(),
    })),
    joined: { kind: next(), device: next(), reason: both(next()), because: both(next()), model: true },
  };
  const found = hub.add(given);
  found.alerts[1].alert.detected_by = { by: "model", model: next(), build: 1 };
  found.category_name = both(next());
  found.related_reason = both(next());
  found.area_path = [{ code: next(), level: "grid", name: both(next()) }];
  const actor = { username: next(), display_name: next() };
  hub.change(found.id, "acknowledge", actor, next());
  hub.change(found.id, "file", actor, next());
  hub.change(found.id, "dispatch", actor, next(), { unit: "lihu-property" });
  found.unit = { code: next(), name: both(next()) };
  found.transitions.at(-1).note = both(next());
  found.files = new Map([["0".repeat(64), { name: next(), media_type: next(), stored_by: next() }]]);
  for (const [sha256, file] of found.files)
    Object.assign(file, { sha256, file: "deleted", stored_at: now() });
  const { alerts, files, transitions } = found;
  const file = files.values().next().value;
  return {
    id: found.id,
    list: [given.title.zh, given.siteName.zh].filter((text) => text.trim() !== ""),
    all: [
      given.title.zh,
      given.siteName.zh,
      given.device,
      given.kind,
      given.rule,
      ...Object.values(given.place),
      given.reason.zh,
      ...given.evidence.map((each) => each.device),
      given.evidence[0].value,
      ...given.evidence.slice(1).map((each) => each.unit),
      alerts[1].alert.device,
      alerts[1].alert.reason.zh,
      alerts[1].alert.detected_by.model,
      found.category_name.zh,
      found.related_reason.zh,
      found.area_path[0].name.zh,
      actor.display_name,
      found.unit.name.zh,
      ...transitions.map((each) => each.reason ?? ""),
      transitions.at(-1).note.zh,
      file.name,
      file.stored_by,
    ].filter((text) => text.trim() !== ""),
    task: [
      given.title.zh,
      given.siteName.zh,
      ...Object.values(given.place),
      given.reason.zh,
      ...transitions.slice(-3).flatMap((each) => [each.actor_name ?? "", each.reason ?? ""]),
    ].filter((text) => text.trim() !== ""),
    sheet: [
      given.title.zh,
      given.siteName.zh,
      given.device,
      given.reason.zh,
      actor.display_name,
      file.name,
    ].filter((text) => text.trim() !== ""),
  };
}

/** The readings around a case: a line with each of these texts as its unit, and marks that are called like them. */
export function seriesOf(texts) {
  const from = Date.now() - 600_000;
  return {
    from: new Date(from).toISOString(),
    to: now(),
    series: texts.map((unit, at) => ({
      device: pick(texts, at, 1),
      kind: pick(texts, at, 2),
      unit,
      points: [
        [from, at],
        [from + 300_000, at + 1],
      ],
    })),
    marks: texts.map((label, at) => ({
      at: new Date(from + at * 1000).toISOString(),
      label: both(label),
      alert_id: `mark-${at}`,
    })),
  };
}

/** Everything else that a page asks the hub for, with a text in every field. */
export function fillHub(hub, texts) {
  const each = (make) => texts.map((text, turn) => make((field) => pick(texts, turn, field), turn, text));
  const time = now();
  hub.gateways = new Map(
    each((of, turn) => ({
      id: turn === 0 ? "gw-1" : of(0),
      site: of(1),
      state: "online",
      last_heartbeat_at: time,
      agent_version: of(2),
      boot_epoch: 1,
      clock: "unsure",
      backlog_alerts: 1,
      backlog_readings: 1,
      sequence: { contiguous_through: 1, highest: 1, missing: [] },
      devices_total: 1,
      devices_silent: 1,
      devices_unknown: 1,
      faults: [{ code: of(3), subject: of(4), since: time, detail: both(of(5)) }],
    })).map((gateway) => [gateway.id, gateway]),
  );
  hub.gateways.get("gw-1").faults = each((of) => ({
    code: of(0),
    subject: of(1),
    since: time,
    detail: both(of(2)),
  }));
  hub.devices = () =>
    each((of) => ({
      device: of(0),
      profile: of(1),
      known: false,
      state: "silent",
      last_seen: time,
      place: { building: of(2), unit: of(3), floor: of(4), room: of(5) },
      kinds: [of(6), of(7)],
      gateway: "gw-1",
      last_reading: { kind: of(8), unit: of(9), point: [0, of(10)] },
    }));
  hub.quarantine = () =>
    each((of) => ({ source: of(0), reason: of(1), sample: of(2), count: 1, last_seen: time }));
  const told = (of) => ({
    device: of(0),
    place: { room: of(1) },
    kind: of(2),
    alert: of(3),
    received_at: time,
    refused: of(4),
  });
  hub.commissionings = () => ({
    items: [
      {
        id: texts[0],
        by: texts[1],
        agent_version: texts[2],
        started_at: time,
        ended_at: time,
        arrived_at: time,
        clock: "unsure",
        ended_because: "asked",
        chosen: [],
        expect_all: true,
        tested: each(told),
        missing: each(told),
        result: "failed",
      },
    ],
    test_alerts: each((of, turn) => ({
      ...told(of),
      id: `${turn}`,
      reason: both(of(5)),
      raised_at: time,
      arrived_at: time,
      case: 1,
    })),
  });
  hub.sites = each((of, turn) => ({
    id: `site-${turn}`,
    name: both(of(0)),
    grid: "440605004012003",
    address: both(of(1)),
    building_code: of(2),
    lat: 23.03 + turn / 5000,
    lon: 113.14,
    gateway: of(3),
  }));
  hub.hazards = each((of, turn) => ({
    code: `hz-${turn}`,
    name: both(of(0)),
    category: of(1),
    lat: 23.03,
    lon: 113.14 + turn / 5000,
  }));
  hub.reports = (what) => {
    // The days of the trend are the hub's own words.
    if (!["units", "areas"].includes(what)) return undefined;
    const figures = {
      counts: { reported: 9, filed: 6, closed: 1, yellow_cards: 1, red_cards: 1, score: -15 },
    };
    const rates = { acknowledged_in_time: 1, handled_in_time: 1, closed_in_time: 1, rework: 0 };
    const row = { ...figures, rates, times: {} };
    const items = each((of, turn) => ({ key: `${turn}-${of(1)}`, name: both(of(0)), ...row }));
    return { from: time, to: time, made_at: time, total: row, items, next: null };
  };
  fillAdmin(hub.admin, each, time);
}

function fillAdmin(admin, each, time) {
  const name = (of) => both(of(0));
  admin.tables.areas = each((of, turn) => ({
    code: `${turn}`,
    parent: of(1),
    level: "grid",
    name: name(of),
  }));
  admin.tables.sites = each((of, turn) => ({
    id: `${turn}`,
    name: name(of),
    grid: of(1),
    address: both(of(2)),
    building_code: of(3),
  }));
  admin.tables.units = each((of, turn) => ({
    code: `${turn}`,
    name: name(of),
    kind: of(1),
    area: of(2),
    phone: of(3),
  }));
  admin.tables.duties = each((of, turn) => ({ area: `${turn}`, category: of(1), unit: of(0) }));
  admin.tables.hazards = each((of, turn) => ({
    code: `${turn}`,
    name: name(of),
    category: of(1),
    grid: of(2),
  }));
  admin.tables.contacts = each((of, turn) => ({
    place_kind: "site",
    place: of(1),
    order: turn,
    name: of(0),
    duty: of(2),
    phone: of(3),
  }));
  admin.people = each((of, turn) => ({
    username: `${turn}-${of(1)}`,
    display_name: of(0),
    role: "auditor",
    area: of(2),
    unit: of(3),
    phone: of(4),
    version: 1,
  }));
  admin.silences = each((of, turn) => ({
    id: turn,
    version: 1,
    by_name: of(1),
    why: of(0),
    weekly: [],
    from: time,
    until: time,
    state: "active",
    ends_soon: false,
    hides: 2,
    matcher: { site: of(2), device: of(3), category: of(4), kind: of(5) },
  }));
  admin.channels = each((of, turn) => ({
    name: `${turn}-${of(0)}`,
    kind: "wecom",
    recipients: [of(1), of(2)],
    quota: [],
    waiting: 0,
    dead: 1,
  }));
  admin.dead = each((of, turn) => ({
    id: `${turn}`,
    channel: of(1),
    number: `20261122-${turn}`,
    change: "opened",
    created_at: time,
    error: of(0),
  }));
  admin.audit = each((of, turn) => ({
    link: turn + 1,
    at: time,
    actor: of(0),
    action: of(1),
    subject: of(2),
    address: of(3),
    hash: "b",
    ...(turn % 3 === 0 ? { case: 1 } : {}),
  }));
  const officers = each((of) => of(0));
  admin.roster.roster = {
    area: "440605004",
    leader: officers[1],
    shifts: [
      {
        name: officers[2],
        from: "08:00",
        until: "20:00",
        first_day: "2026-11-01",
        turn_days: 1,
        crews: [{ officers, shift_leader: officers[3] }],
      },
    ],
    substitutions: [],
    absences: [],
  };
}

/** What a page of a list must show: all texts but those of blanks only. */
export const visible = (texts) => texts.filter((text) => text.trim() !== "");

/**
 * Lists show every case; of the cases' own pages, which have some forty texts each, every so many are opened. All of
 * them with GRIDWATCH_HOSTILE=all, which takes minutes.
 */
export const CASE_PAGES_BETWEEN = process.env.GRIDWATCH_HOSTILE === "all" ? 1 : 12;

/** The texts in two halves: a page with all of them at once takes long. */
const HALF = Math.ceil(HOSTILE_TEXTS.length / 2);
export const HALVES = [
  ["first", HOSTILE_TEXTS.slice(0, HALF)],
  ["second", HOSTILE_TEXTS.slice(HALF)],
].map(([name, texts]) => [name, texts.map(({ text }) => text)]);
