/**
 * Rosters as an administrator makes and changes them: by mouse and by keyboard, with a colleague's change and the
 * hub's refusals in between; and what the preview says against what a real hub answers.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { checkPage } from "./axe.mjs";
import {
  closeBrowser,
  MOCK_ONLY,
  NARROW,
  OUTPUT,
  openBrowser,
  openHub,
  openPage,
  signIn,
  until,
  visit,
  WIDE,
} from "./browser.mjs";
import { startFront } from "./front.mjs";
import { hubProgram, OFFICER_PASSWORD, session, startHub } from "./hub.mjs";

before(openBrowser);
after(closeBrowser);

const DESK = "440605004";
const COMMUNITY = "440605004012";

async function open(options = {}) {
  const { url, hub, stop } = await openHub();
  const { user = "admin", ...more } = options;
  const opened = await openPage(url, more);
  await signIn(opened.page, url, "/admin/rosters", user, user);
  const close = async () => {
    assert.deepEqual(opened.faults, []);
    await opened.context.close();
    await stop();
  };
  return { ...opened, url, hub, close };
}

const press = async (page, ...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};
const focusedId = (page) => page.evaluate(() => document.activeElement?.id ?? "");
const card = (page, area) => page.locator(".admin-cards > li", { hasText: area });

/** Opens the roster of the mock's desk and begins to change it. */
async function change(page) {
  await page.getByRole("button", { name: `值班表 ${DESK}`, exact: true }).click();
  await page.getByRole("button", { name: /^修改值班表/ }).click();
  await page.locator(".roster-crew").first().waitFor();
}

test("a roster is made for an area that has none, and the gaps go as it is filled in", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, hub, close } = await open();
  await page.getByRole("button", { name: "新建值班表" }).click();
  const areas = await page.locator('select[name="roster-area"] option').allTextContents();
  assert.ok(!areas.some((each) => each.endsWith(` ${DESK}`)), "an area with a roster is not offered");
  await page.locator('select[name="roster-area"]').selectOption(COMMUNITY);
  await page.locator("form.roster-make").getByRole("button", { name: "新建值班表" }).click();
  const made = card(page, COMMUNITY);
  await made.getByText("14 天内有 1 段无人值班").waitFor();

  await made.getByRole("button", { name: "添加班次" }).click();
  await until("the name has the focus", async () => (await focusedId(page)).endsWith("-s0-name"));
  // Saved too early, it says what is missing.
  await made.getByRole("button", { name: "保存" }).click();
  await made.getByText("班次“白班”第 1 组：还缺值班员").waitFor();
  const take = async (who) => {
    await made.locator(".roster-pick select").last().selectOption(who);
    await made.getByRole("button", { name: "加入" }).last().click();
  };
  await take("wang");
  await made.locator(".roster-officers").getByText("王芳（wang）").waitFor();
  await made.locator('.roster-crew select[name$="-leader"]').selectOption("zhang");
  await made.locator('input[name$="-first_day"]').fill("2026-01-01");
  await made.getByText(/14 天内有 1\d 段无人值班/).waitFor();
  await made.getByRole("button", { name: "添加班次" }).click();
  await take("li");
  assert.deepEqual(
    await made.locator(".roster-shift-head h5").allInnerTexts(),
    ["白班 08:00–20:00", "夜班 20:00–08:00 到第二天"],
    "the second goes on where the first ends",
  );
  await made.getByText("14 天内随时有人值班").waitFor();
  await made.getByRole("button", { name: "保存" }).click();
  await until("it is saved", () => hub.admin.rosters[COMMUNITY] !== undefined);
  const { version, roster } = hub.admin.rosters[COMMUNITY];
  assert.equal(version, 1);
  assert.deepEqual(
    roster.shifts.map(({ name, from, until: to, crews }) => [name, from, to, crews]),
    [
      ["白班", "08:00", "20:00", [{ officers: ["wang"], shift_leader: "zhang" }]],
      ["夜班", "20:00", "08:00", [{ officers: ["li"] }]],
    ],
  );
  await page.getByRole("button", { name: `值班表 ${COMMUNITY}`, exact: true }).waitFor();
  await close();
});

test("crews and officers are added, ordered and removed with the keyboard alone", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, hub, close } = await open();
  await page.getByRole("button", { name: `值班表 ${DESK}`, exact: true }).focus();
  await press(page, "Enter");
  await page.getByRole("button", { name: /^修改值班表/ }).focus();
  await press(page, "Enter");
  const id = `roster-${DESK}-s0`;
  await page.locator(`[id="${id}-c0-officer-1-up"]`).focus();
  await press(page, "Enter");
  // The first place has nowhere to go but down: the focus is beside what was moved.
  await until("the focus goes with it", async () => (await focusedId(page)) === `${id}-c0-officer-0-remove`);
  const officers = () => page.locator(".roster-officers > li > .said").allInnerTexts();
  assert.deepEqual(await officers(), ["李明（li）", "王芳（wang）"]);
  await page.locator(`[id="${id}-add"]`).focus();
  await press(page, "Enter");
  const choice = page.locator(`select[name="${id}-c1-add"]`);
  await choice.focus();
  await until("the right one is chosen", async () => {
    await press(page, "ArrowDown");
    return (await choice.inputValue()) === "chen";
  });
  await press(page, "Tab", "Enter");
  await page.locator(`[id="${id}-c1-officer-0-remove"]`).waitFor();
  await page.locator(`[id="${id}-c1-up"]`).focus();
  await press(page, "Enter");
  await until("the crew came first", async () => (await officers())[0] === "陈静（chen）");
  await page.locator(`[id="${id}-c1-officer-1-remove"]`).focus();
  await press(page, "Enter");
  await until("one is out", async () => (await officers()).length === 2);
  assert.notEqual(await focusedId(page), "", "the focus is not lost");
  await page.getByRole("button", { name: "保存" }).focus();
  await press(page, "Enter");
  await until("it is saved", () => hub.admin.roster.version === 2);
  assert.deepEqual(hub.admin.roster.roster.shifts[0].crews, [
    { officers: ["chen"] },
    { officers: ["li"], shift_leader: "zhang" },
  ]);
  await close();
});

test("every problem that the hub names is shown, and nothing that was typed is lost", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, hub, close } = await open();
  await change(page);
  await page.getByRole("button", { name: "添加班次" }).click();
  const name = page.locator(`input[name="roster-${DESK}-s1-name"]`);
  await name.fill("白班");
  await page.locator(".roster-pick select").selectOption("chen");
  await page.getByRole("button", { name: "加入" }).click();
  hub.admin.people = hub.admin.people.filter((each) => each.username !== "chen" && each.username !== "li");
  await page.getByRole("button", { name: "保存" }).click();
  await page.getByText("没有保存，中心指出 3 处问题：").waitFor();
  for (const problem of ["two shifts are named `白班`", "no active user `chen`", "no active user `li`"])
    await page.locator(".findings li", { hasText: problem }).waitFor();
  assert.equal(hub.admin.roster.version, 1);
  assert.equal(await name.inputValue(), "白班");
  // The missing people are added on another page; the draft waits.
  await visit(page, "/admin/people");
  await page.getByRole("button", { name: "新增人员" }).waitFor();
  await visit(page, "/admin/rosters");
  await page.locator(".roster-shift").nth(1).waitFor();
  await page.getByRole("button", { name: "不改了" }).click();
  await page.getByRole("button", { name: "放弃修改" }).click();
  await page.getByRole("button", { name: /^修改值班表/ }).click();
  // Where nothing was changed nothing is asked.
  await page.getByRole("button", { name: "不改了" }).click();
  await page.getByRole("button", { name: /^修改值班表/ }).waitFor();
  assert.equal(hub.admin.roster.version, 1);
  await close();
});

test("a colleague's change is told, what was typed stays, and the new one is loaded when asked for", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, hub, close } = await open();
  await change(page);
  const name = page.locator(`input[name="roster-${DESK}-s0-name"]`);
  await name.fill("我的白班");
  const theirs = structuredClone(hub.admin.roster.roster);
  theirs.shifts[0].name = "同事的白班";
  hub.admin.rosters[DESK] = { version: 7, roster: theirs };
  await page.getByRole("button", { name: "保存" }).click();
  await page.getByText("没有保存：别人已经改了这份值班表").waitFor();
  assert.equal(await name.inputValue(), "我的白班", "what was typed stays");
  await page.getByRole("button", { name: "保存" }).click();
  await page.getByText("没有保存：别人已经改了这份值班表").waitFor();
  assert.equal(hub.admin.roster.version, 7, "and is not forced upon the colleague's");
  await page.getByRole("button", { name: /^载入新的/ }).click();
  await until("the new one", async () => (await name.inputValue()) === "同事的白班");
  await name.fill("白班甲");
  await page.getByRole("button", { name: "保存" }).click();
  await until("it is saved", () => hub.admin.roster.version === 8);
  assert.equal(hub.admin.roster.roster.shifts[0].name, "白班甲");
  await close();
});

test("a shift leader, whom the hub does not tell who there is, names people by their sign-in names", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, context, hub, close } = await open({ user: "shiftleader" });
  const asked = [];
  context.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await change(page);
  const field = page.locator(`input[name="roster-${DESK}-s0-c0-add"]`);
  const known = await page
    .locator(`[id="roster-${DESK}-s0-c0-add-known"] option`)
    .evaluateAll((all) => all.map((each) => each.value));
  assert.deepEqual(known, ["boss", "zhang"], "who is in the roster and not in the crew is offered");
  await field.fill("chen");
  await page.getByRole("button", { name: "加入" }).click();
  await page.locator(".roster-officers .said", { hasText: "chen" }).waitFor();
  await page.getByRole("button", { name: "保存" }).click();
  await until("it is saved", () => hub.admin.roster.version === 2);
  assert.deepEqual(hub.admin.roster.roster.shifts[0].crews[0].officers, ["wang", "li", "chen"]);
  assert.ok(!asked.includes("/api/v1/users"), "what only administrators may ask is not asked");
  await close();
});

test("a roster is removed after being asked, and its area can have a new one", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, hub, close } = await open();
  await page.getByRole("button", { name: `值班表 ${DESK}`, exact: true }).click();
  await page.getByRole("button", { name: /^删除值班表/ }).click();
  await page.getByText("由上一级区域的值班台负责").waitFor();
  await press(page, "Escape");
  await until("the question is gone", async () => (await page.locator("dialog[open]").count()) === 0);
  await page.getByRole("button", { name: /^删除值班表/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "删除" }).click();
  await page.getByText("还没有值班表。").waitFor();
  assert.deepEqual(Object.keys(hub.admin.rosters), []);
  await page.getByRole("button", { name: "新建值班表" }).click();
  await page.locator('select[name="roster-area"]').selectOption(DESK);
  await close();
});

for (const [locale, viewport, width, colorScheme] of [
  ["zh-CN", WIDE, 1440, "light"],
  ["en-GB", NARROW, 390, "dark"],
  ["zh-CN", NARROW, 390, "light"],
  ["en-GB", WIDE, 1440, "dark"],
]) {
  test(`a roster is read and changed at ${width} in ${locale}: accessible, and it fits`, {
    skip: MOCK_ONLY,
  }, async () => {
    const { page, close } = await open({ locale, viewport, colorScheme, bypassCSP: true });
    const look = async (what) => {
      await page.screenshot({
        path: `${OUTPUT}roster-${what}-${width}-${locale.slice(0, 2)}-${colorScheme}.png`,
        fullPage: true,
      });
      // What the pinned header covers in passing is no fault of the page.
      await page.evaluate(() => scrollTo(0, 0));
      assert.deepEqual(await checkPage(page, what), []);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${what} is ${wide} px too wide`);
    };
    await page.locator(".admin-cards > li > button[aria-expanded]").first().click();
    await page.locator(".roster-days").waitFor();
    await look("read");
    await page.locator(".roster-form .admin-tools button").first().click();
    await page.locator(".roster-crew").first().waitFor();
    await page.locator(".roster-shift > .button").click();
    await look("edit");
    await close();
  });
}

const hours = (n) => n * 3_600_000;

test("the preview's gaps are those that a real hub answers for the saved roster", {
  skip: hubProgram() === null && "needs a hub: `cargo build -p hub`, or GRIDWATCH_HUB",
}, async () => {
  const officers = ["chief", "amy", "ben", "cai"].map((name) => ({
    name,
    role: name === "chief" ? "administrator" : "duty_officer",
  }));
  const hub = await startHub({ officers });
  const front = await startFront(hub.url);
  // In another zone than the hub, whose local time is UTC+8: two clocks change in these days or none does.
  const { page, context, faults } = await openPage(front.url, { timezoneId: "America/New_York" });
  const AREA = "990101001";
  try {
    const headers = await session(hub.url, "chief");
    const ask = async (method, path, body) => {
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await fetch(`${hub.url}/api/v1${path}`, { method, headers, ...sent });
      assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
      return answer.json();
    };
    const shift = (name, from, to, more, ...crews) => ({
      ...{ name, from, until: to, first_day: "2026-01-01" },
      ...more,
      crews: crews.map((each) => ({ officers: each })),
    });
    // Gaps by turns, by the calendar, by days of the week, over midnight, by an absence in between.
    const soon = Date.now() + hours(50);
    const roster = {
      area: AREA,
      shifts: [
        shift("day", "08:00", "19:30", { days: "working_days", turn_days: 2 }, ["amy"], ["ben", "cai"]),
        shift("rest", "09:00", "22:00", { days: "days_off", weekdays: ["saturday"] }, ["ben"]),
        shift("night", "22:15", "06:45", { weekdays: ["monday", "wednesday", "thursday"] }, ["cai"], ["amy"]),
      ],
      absences: [
        { who: "amy", from: new Date(soon).toISOString(), until: new Date(soon + hours(60)).toISOString() },
      ],
    };
    await ask("PUT", `/rosters/${AREA}`, { version: 0, roster });
    await signIn(page, front.url, "/admin/rosters", "chief", OFFICER_PASSWORD);
    await page.locator(".admin-cards > li > button[aria-expanded]").first().click();
    const shown = () =>
      page
        .locator(".roster-gaps li")
        .evaluateAll((rows) =>
          rows.map((row) => [...row.querySelectorAll("time")].map((time) => Date.parse(time.dateTime))),
        );
    await page.getByText(/UTC\+8/).waitFor();
    assert.equal(await page.getByText("中心没有说明时区").count(), 0, "the hub's zone, not the browser's");
    const same = async () => {
      const [desk] = (await ask("GET", "/duty")).items;
      const wanted = desk.gaps.map((gap) => [Date.parse(gap.from), Date.parse(gap.until)]);
      const found = await shown();
      assert.ok(wanted.length >= 10, `${wanted.length} gaps`);
      assert.equal(found.length, wanted.length);
      for (const [index, gap] of found.entries()) {
        // The stretch begins and ends with the minute here, with the second at the hub.
        for (const [end, at] of gap.entries())
          assert.ok(
            Math.abs(at - wanted[index][end]) < 120_000,
            `gap ${index}: ${at} is not ${wanted[index][end]}`,
          );
      }
    };
    await same();
    // The same of what is changed in the console: the night on every day, from a later day on.
    await page.getByRole("button", { name: /^修改值班表/ }).click();
    await page.locator(`[id="roster-${AREA}-s2-open"]`).click();
    for (const day of ["周一", "周三", "周四"]) await page.getByLabel(day, { exact: true }).uncheck();
    const later = new Date(Date.now() + hours(96)).toISOString().slice(0, 10);
    await page.locator(`input[name="roster-${AREA}-s2-first_day"]`).fill(later);
    const before = await shown();
    await page.getByRole("button", { name: "保存" }).click();
    await page.getByRole("button", { name: /^修改值班表/ }).waitFor();
    await until("the preview", async () => (await shown()).length === before.length);
    await same();
    // What the hub refuses comes with every problem, in the officer's language or the hub's own words.
    await page.getByRole("button", { name: /^修改值班表/ }).click();
    await page.locator(`[id="roster-${AREA}-s1-open"]`).click();
    await page.locator(`input[name="roster-${AREA}-s1-name"]`).fill("night");
    await page.locator(`input[name="roster-${AREA}-s1-turn"]`).fill("400");
    await page.getByRole("button", { name: "保存" }).click();
    await page.getByText("没有保存，中心指出 2 处问题：").waitFor();
    assert.deepEqual(faults, []);
  } finally {
    await context.close();
    await front.stop();
    await hub.stop();
  }
});
