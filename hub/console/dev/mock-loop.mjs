/**
 * The closed loop as the mock plays it: the main way, returning, rejecting and closing by two persons. The
 * hub knows many more rules; what the console shows of them comes the same way.
 */
const text = (zh, en) => ({ zh, en });

const OFFICE = ["duty_officer", "shift_leader", "supervisor", "administrator"];
const DISPATCH = [...OFFICE, "dispatcher"];
const CHECK = [...OFFICE, "checker"];
const WORKERS = ["unit", "handler"];

const OPEN = [
  "reported",
  "pre_verify",
  "filed",
  "dispatched",
  "handling",
  "feedback",
  "post_check",
  "returned",
];

/** action: from, to (none: it stays), by, whether it needs a reason, what the live feed calls it. */
const TABLE = {
  acknowledge: [["reported", "pre_verify"], null, OFFICE, false, "acknowledged"],
  verify: [["reported"], "pre_verify", CHECK, false, "moved"],
  verified: [["pre_verify"], "reported", CHECK, true, "moved"],
  file: [["reported", "pre_verify"], "filed", OFFICE, false, "filed"],
  dispatch: [["filed", "returned"], "dispatched", DISPATCH, false, "moved"],
  handle: [["dispatched", "returned"], "handling", WORKERS, false, "moved"],
  feedback: [["handling"], "feedback", WORKERS, true, "moved"],
  settle: [["filed", "dispatched", "handling"], "feedback", DISPATCH, true, "moved"],
  check: [["feedback"], "post_check", DISPATCH, false, "moved"],
  checked: [["post_check"], null, CHECK, true, "updated"],
  close: [["post_check"], "closed", OFFICE, false, "closed"],
  reject: [["reported", "pre_verify"], "rejected", OFFICE, true, "rejected"],
  rework: [["feedback", "post_check"], "returned", DISPATCH, true, "moved"],
  send_back: [["dispatched"], "returned", WORKERS, true, "moved"],
  ask_extension: [["dispatched", "handling"], null, WORKERS, true, "updated"],
  decide: [["dispatched", "handling"], null, ["supervisor", "administrator"], true, "updated"],
  appeal: [["closed"], null, ["unit"], true, "updated"],
  review: [["closed"], null, ["supervisor"], true, "updated"],
  merge: [OPEN, "merged", OFFICE, true, "merged"],
  undo_merge: [["merged"], null, OFFICE, true, "updated"],
  note: [null, null, [...OFFICE, "dispatcher", "checker", ...WORKERS], true, "noted"],
};

export const UNITS = [
  { code: "lihu-property", name: text("丽湖物业", "Lihu property management") },
  { code: "fire", name: text("消防救援大队", "Fire and rescue") },
  { code: "lihu-grid", name: text("丽湖网格站", "Lihu grid workers") },
];

const choice = (value, zh, en) => ({ value, label: text(zh, en) });
const field = (name, kind, zh, en, more = {}) => ({
  name,
  kind,
  label: text(zh, en),
  required: true,
  ...more,
});

function fieldsOf(action) {
  switch (action) {
    case "file":
      return [
        field("condition", "one_of", "立案条件", "Filing condition", {
          choices: [
            choice("alarm_stands", "设备报警成立", "The alarm stands"),
            choice("seen_on_site", "现场核实属实", "Seen on site"),
          ],
        }),
      ];
    case "reject":
      return [
        field("condition", "one_of", "原因", "Cause", {
          choices: [choice("false_alarm", "误报", "False alarm"), choice("test", "测试", "Test")],
          suggested: "false_alarm",
        }),
      ];
    case "dispatch":
      return [
        field("unit", "one_of", "处置部门", "Unit", {
          choices: UNITS.map((unit) => ({ value: unit.code, label: unit.name })),
          suggested: UNITS[0].code,
        }),
      ];
    case "feedback":
    case "settle":
      return [
        field("evidence", "evidence", "证据", "Evidence", {
          required: false,
          choices: [choice("photo", "现场照片", "photo"), choice("report", "处置报告", "report")],
        }),
      ];
    case "merge":
      return [field("case", "case", "主案编号", "The case that takes it in")];
    case "review":
    case "decide":
      return [field("yes", "yes_no", "同意", "Agree")];
    case "checked":
      return [field("yes", "yes_no", "核查通过", "The result is right")];
    case "close":
      return [
        field("conditions", "many_of", "结案条件", "Closing conditions", {
          choices: [choice("done", "现场处理完毕", "Dealt with on site")],
        }),
      ];
    default:
      return [];
  }
}

const ends = (action) => action === "close" || action === "reject";
export const needsTwo = (found, action) => found.severity === "P1" && ends(action);
export const ended = (found) => ["closed", "rejected", "merged"].includes(found.state);
const undecided = (found) => found.progress?.appeal && found.progress.appeal.reviews.length < 2;

/** What waits for somebody's decision. */
export function waitsFor({ state, progress }) {
  const { ask, appeal } = progress ?? {};
  if (ask && ["dispatched", "handling"].includes(state)) return { what: ask.what, by: ask.by, at: ask.at };
  if (state === "closed" && undecided({ progress })) return { what: "appeal", by: appeal.by, at: appeal.at };
  return undefined;
}

export const changeOf = (action) => TABLE[action][4];

export function allowedActions(found, user) {
  const actions = [];
  for (const [action, [from, , by, reason]] of Object.entries(TABLE)) {
    if ((from !== null && !from.includes(found.state)) || !by.includes(user.role)) continue;
    if (action === "acknowledge" && found.acknowledged_at) continue;
    if (action === "decide" && !found.progress?.ask) continue;
    if (action === "ask_extension" && found.progress?.ask) continue;
    if (action === "appeal" && found.progress?.appeal) continue;
    if (action === "review" && !undecided(found)) continue;
    const missing = [];
    const mine = found.proposal?.action === action && found.proposal.by === user.username;
    const who = user.display_name;
    if (mine)
      missing.push({
        code: "second_person",
        text: text(`等待第二人确认（${who} 已提出）`, `waits for a second person (${who} has proposed it)`),
      });
    if (action === "close" && !found.checked)
      missing.push({ code: "check", text: text("尚无核查结果", "nobody has checked the result yet") });
    actions.push({
      action,
      needs_reason: reason,
      ...(missing.length > 0 ? { blocked: missing[0].text, missing } : { fields: fieldsOf(action) }),
      second_person: needsTwo(found, action),
    });
  }
  return actions;
}

/** What is missing in a request. */
export function missingIn(action, details) {
  return fieldsOf(action)
    .filter((each) => {
      const given = details[each.name];
      return each.required && (given === undefined || given === "" || given?.length === 0);
    })
    .map((each) => ({ code: each.name, text: text(`缺少 ${each.name}`, `\`${each.name}\` is missing`) }));
}

/** Changes the case by one action of this person. */
export function step(found, action, user, details, now) {
  found.state = TABLE[action][1] ?? found.state;
  if (["acknowledge", "file", "verify"].includes(action) && !found.acknowledged_at) {
    found.acknowledged_at = now;
    found.acknowledged_by = user.username;
  }
  if (action === "dispatch") {
    found.unit = UNITS.find((unit) => unit.code === details.unit) ?? null;
    found.due_at = new Date(Date.parse(now) + 3_600_000).toISOString();
  }
  if (action === "checked") found.checked = details.yes === true;
  if (action === "rework") found.checked = false;
  if (action === "appeal") {
    found.progress = { ...found.progress, appeal: { by: user.username, at: now, reviews: [] } };
  }
  if (action === "review") {
    found.progress.appeal.reviews.push({ by: user.username, agrees: details.yes === true });
  }
  if (action === "ask_extension")
    found.progress = { ...found.progress, ask: { what: "extension", by: user.username, at: now } };
  if (action === "decide") {
    found.progress = { ...found.progress, ask: null };
    if (details.yes === true) {
      found.extended = (found.extended ?? 0) + 1;
      found.due_at = new Date(Date.parse(found.due_at) + 3_600_000).toISOString();
    }
  }
}
