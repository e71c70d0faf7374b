/**
 * What the mock answers on the administration pages: a directory, people, a desk, silences, channels, the
 * catalogue and the audit, kept in memory; rosters are in mock-rosters.mjs. Invented like the rest of the mock.
 */
import { DESK, makeRosters, readRosters, writeRosters } from "./mock-rosters.mjs";
import { AREAS } from "./mock-work.mjs";

const text = (zh, en) => ({ zh, en });
const DAY = 86_400_000;
const iso = (ms) => new Date(ms).toISOString();

const limit = (amount, clock) => ({ amount, clock });
const CATEGORIES = [
  {
    code: "fire_suspected",
    name: text("烟感报警", "Smoke alarm"),
    severity: "P1",
    standard_ref: "GB 50440",
    mode: "urgent",
    unit_kind: "fire",
    evidence: [],
    public: false,
    life_safety: true,
    filing: [{ code: "alarm_stands", name: text("报警属实", "The alarm stands"), alerts_cleared: false }],
    closing: [],
    limits: {
      acknowledge: limit(60, "seconds"),
      file: limit(180, "seconds"),
      dispatch: limit(180, "seconds"),
      disposal: limit(1, "urgent_hours"),
      check: limit(1, "working_days"),
    },
  },
];

const simple = (code, zh, en) => ({
  ...CATEGORIES[0],
  code,
  name: text(zh, en),
  severity: "P3",
  public: true,
  life_safety: false,
});
CATEGORIES.push(
  simple("gas_leak", "燃气泄漏", "Gas leak"),
  simple("water_leak", "漏水", "Water leak"),
  simple("flooding", "积水", "Standing water"),
  { ...simple("other", "其他", "Other"), public: false },
);

const somebody = (username, display_name, role) => ({
  username,
  display_name,
  role,
  area: "440605004",
  created_at: iso(0),
  version: 1,
});

export function makeAdmin() {
  return {
    version: 3,
    tables: {
      areas: structuredClone(AREAS),
      sites: [],
      units: [
        {
          code: "lihu-property",
          name: text("荔湖物业", "Lihu property"),
          kind: "property",
          area: "440605004012",
          phone: "0757-0000",
        },
      ],
      duties: [],
      hazards: [],
      contacts: [],
    },
    people: [
      somebody("wang", "王芳", "duty_officer"),
      somebody("li", "李明", "duty_officer"),
      somebody("chen", "陈静", "duty_officer"),
      somebody("zhang", "张强", "shift_leader"),
      somebody("boss", "赵刚", "leader"),
      {
        username: "<b>zhao</b>",
        display_name: '<img src=x onerror="alert(1)">',
        role: "auditor",
        created_at: iso(0),
        version: 1,
      },
    ],
    rosters: makeRosters(),
    /** The roster of the desk that most tests are about. */
    get roster() {
      return this.rosters[DESK];
    },
    missing: [],
    shiftFrom: iso(Date.now() - DAY / 4),
    takeovers: [],
    silences: [],
    channels: [
      {
        name: "duty-room",
        kind: "wecom",
        recipients: [],
        quota: [{ count: 20, per_ms: 60_000, reserved: 5, used: 3 }],
        waiting: 0,
        dead: 1,
      },
    ],
    dead: [
      {
        id: "n1",
        kind: "case",
        severity: "P2",
        state: "dead",
        attempts: 8,
        channel: "duty-room",
        number: "20261122-000004",
        change: "opened",
        created_at: iso(Date.now() - 60_000),
        error: "no answer",
      },
    ],
    audit: [
      {
        link: 2,
        at: iso(Date.now() - 1000),
        actor: "wang",
        action: "sign_in",
        subject: "session",
        address: "10.0.0.8",
        hash: "b",
      },
    ],
  };
}

const keyOf = {
  duties: (row) => `${row.area}:${row.category}`,
  contacts: (row) => `${row.place_kind}:${row.place}:${row.order}`,
  sites: (row) => row.id,
};
const key = (table, row) => (keyOf[table] ?? ((each) => each.code))(row);

const HOURS = ["08:00-12:00", "14:00-18:00"];
/** As the shipped example: holidays on fixed dates alone, of these years, and one day that is worked instead. */
const CALENDAR_YEARS = [2026, 2027];

function calendarOf(year) {
  const known = CALENDAR_YEARS.includes(year);
  const off = {
    "01-01": "元旦",
    "05-01": "劳动节",
    "05-02": "劳动节",
    "10-01": "国庆节",
    "10-02": "国庆节",
    "10-03": "国庆节",
  };
  const ofYear = known ? Object.entries(off) : [];
  const days = Object.fromEntries(ofYear.map(([day]) => [`${year}-${day}`, []]));
  const names = Object.fromEntries(ofYear.map(([day, name]) => [`${year}-${day}`, name]));
  if (year === 2026) days["2026-10-10"] = HOURS;
  const week = [HOURS, HOURS, HOURS, HOURS, HOURS, [], []];
  return {
    version: "2026-11-22",
    year,
    known,
    notice: year === 2027 ? "国办发明电〔2026〕9 号" : "",
    week,
    days,
    names,
  };
}

function calendarWarnings() {
  const year = new Date().getFullYear();
  const known = CALENDAR_YEARS.includes(year);
  const detail = text(`请核对日历中的 ${year} 年`, `check the year ${year} of the calendar`);
  const code = known ? "calendar_year_unconfirmed" : "calendar_year_missing";
  return year === 2027 ? [] : [{ code, year, detail }];
}

/** A read; undefined when it is none of these pages'. */
export function readAdmin(admin, path, search) {
  const table = /^\/directory\/(\w+)$/.exec(path)?.[1];
  if (table in admin.tables) return { version: admin.version, items: admin.tables[table] };
  if (path === "/users") {
    const role = search.get("role");
    return { items: admin.people.filter((each) => role === null || each.role === role), next: null };
  }
  const rosters = readRosters(admin, path);
  if (rosters !== undefined) return rosters;
  if (path === "/duty/takeovers") return { items: admin.takeovers, next: null };
  if (path === "/silences") return { items: admin.silences, next: null };
  if (path === "/notifications/channels") return { items: admin.channels };
  if (path === "/notifications") return { items: admin.dead, next: null };
  if (path === "/catalogue") return { version: "2026-11-22", items: CATEGORIES };
  if (path === "/calendar/warnings") return { items: calendarWarnings() };
  if (path === "/calendar") return calendarOf(Number(search.get("year")));
  if (path === "/audit") return { items: admin.audit, next: null };
  return undefined;
}

function readCsv(body) {
  const [head = "", ...lines] = body.replace("\ufeff", "").trim().split(/\r?\n/);
  const names = head.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((value, at) => [names[at], value])));
}

/** What a file of units would bring, with everything that is wrong. */
function importUnits(admin, body) {
  const findings = [];
  const rows = readCsv(body).map((given, at) => {
    if (!AREAS.some((area) => area.code === given.area)) {
      findings.push({
        gravity: "error",
        table: "units",
        row: at + 2,
        key: given.code,
        message: `the area \`${given.area}\` is not there`,
        remedy: "add the area first, or name another",
      });
    }
    const { name_zh, name_en, ...rest } = given;
    return { ...rest, name: text(name_zh, name_en) };
  });
  const before = admin.tables.units;
  const is = (list, row) => list.some((each) => each.code === row.code);
  const change = {
    table: "units",
    added: rows.filter((row) => !is(before, row)).length,
    changed: rows.filter((row) => is(before, row)).length,
    removed: before.filter((row) => !is(rows, row)).length,
  };
  return { rows, findings, change };
}

/** A change; undefined when it is none of these pages'. */
export async function writeAdmin(admin, request, path, search, body, { reply, refuse }) {
  const { method } = request;
  const row = /^\/directory\/(\w+)\/(.+)$/.exec(path);
  const stale = () => {
    if (request.headers["if-match"] === `"${admin.version}"`) return false;
    refuse(412, "version-conflict", "the directory has changed");
    return true;
  };
  if (row && row[1] in admin.tables) {
    if (stale()) return true;
    const list = admin.tables[row[1]];
    const at = list.findIndex((each) => key(row[1], each) === decodeURIComponent(row[2]));
    if (method === "DELETE") list.splice(at, 1);
    else if (at >= 0) list[at] = JSON.parse(body);
    else list.push(JSON.parse(body));
    admin.version += 1;
    reply(200, { version: admin.version, dry_run: false, changes: [], warnings: [] });
    return true;
  }
  if (path === "/directory/units" && method === "PUT") {
    if (stale()) return true;
    const { rows, findings, change } = importUnits(admin, body);
    if (findings.length > 0) {
      reply(422, { type: "directory-refused", status: 422, title: "refused", detail: "1 error", findings });
      return true;
    }
    const dry = search.get("dry_run") === "true";
    if (!dry) {
      admin.tables.units = rows;
      admin.version += 1;
    }
    reply(200, { version: admin.version, dry_run: dry, changes: [change], warnings: [] });
    return true;
  }
  if (path === "/users" && method === "POST") {
    const { username, ...profile } = JSON.parse(body);
    const user = { username, created_at: iso(Date.now()), version: 1, ...profile };
    admin.people.push(user);
    reply(201, { user, password: "made-by-the-hub" });
    return true;
  }
  const shut = /^\/users\/([^/]+)\/(disable|enable)$/.exec(path);
  if (shut) {
    const person = admin.people.find((each) => each.username === decodeURIComponent(shut[1]));
    person.disabled_at = shut[2] === "disable" ? iso(Date.now()) : undefined;
    reply(200, person);
    return true;
  }
  const rosters = writeRosters(admin, method, path, search, body, { reply, refuse });
  if (rosters !== undefined) return rosters;
  if (path === "/duty/takeover" && method === "POST") {
    const { area, note = "" } = JSON.parse(body);
    const made = {
      id: admin.takeovers.length + 1,
      area,
      shift: "白班",
      shift_from: admin.shiftFrom,
      at: iso(Date.now()),
      taken_by: "officer",
      taken_from: "li",
      note,
      open_cases: 2,
      cases: [
        { id: 1, number: "20261122-000001", severity: "P1", state: "reported" },
        { id: 2, number: "20261122-000002", severity: "P2", state: "reported" },
      ],
    };
    admin.takeovers.unshift(made);
    reply(200, made);
    return true;
  }
  if (path === "/silences" && method === "POST") {
    const wanted = JSON.parse(body);
    if (wanted.matcher.category === "fire_suspected") {
      refuse(422, "incomplete", "life safety is never silenced");
      return true;
    }
    if (wanted.matcher.device && !wanted.matcher.site) {
      const detail = "`matcher.device` needs `matcher.site`: devices are only known at their site";
      refuse(422, "invalid-request", detail);
      return true;
    }
    const made = {
      id: admin.silences.length + 1,
      version: 1,
      by: "admin",
      by_name: "管理员",
      created_at: iso(Date.now()),
      from: iso(Date.now()),
      state: "active",
      active_until: wanted.until,
      ends_soon: false,
      hides: 2,
      weekly: [],
      ...wanted,
    };
    admin.silences.push(made);
    reply(201, made);
    return true;
  }
  const end = /^\/silences\/(\d+)$/.exec(path);
  if (end && method === "DELETE") {
    const silence = admin.silences.find((each) => each.id === Number(end[1]));
    if (silence === undefined) refuse(404, "not-found", `there is no silence ${end[1]}`);
    else if (Number(search.get("version")) !== silence.version)
      refuse(409, "version-conflict", "the silence has changed");
    else {
      admin.silences = admin.silences.filter((each) => each !== silence);
      const { active_until, ...rest } = silence;
      const ended = { state: "ended", ended_at: iso(Date.now()), ended_by: "admin" };
      reply(200, { ...rest, ...ended, ends_soon: false, hides: 0 });
    }
    return true;
  }
  if (/^\/notifications\/channels\/[^/]+\/test$/.test(path)) {
    reply(200, { items: [{ recipient: "", outcome: "delivered", answer: "ok" }] });
    return true;
  }
  if (/^\/notifications\/[^/]+\/retry$/.test(path)) {
    admin.dead = [];
    admin.channels[0].dead = 0;
    reply(202, null);
    return true;
  }
  return undefined;
}
