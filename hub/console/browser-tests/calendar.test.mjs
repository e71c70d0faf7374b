/** The working calendar: a year with its days off and worked instead, what is wrong with it, and what to do. */
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
  WIDE,
} from "./browser.mjs";
import { startFront } from "./front.mjs";
import { hubProgram, OFFICER_PASSWORD, startHub } from "./hub.mjs";

before(openBrowser);
after(closeBrowser);

async function open({ user = "admin", ...options } = {}) {
  const { url, stop } = await openHub();
  const opened = await openPage(url, options);
  await signIn(opened.page, url, "/admin/calendar", user, user);
  const close = async () => {
    assert.deepEqual(opened.faults, []);
    await opened.context.close();
    await stop();
  };
  const year = async (wanted) => {
    await opened.page.locator(".admin-year input").fill(String(wanted));
    await opened.page.locator(".admin-year input").press("Enter");
    await opened.page.locator(".calendar-year", { hasText: String(wanted) }).waitFor();
  };
  return { ...opened, url, close, year };
}

/** The days of a month that are drawn as this kind. */
const days = (page, month, kind) =>
  page
    .locator(".calendar-month")
    .nth(month - 1)
    .locator(`.day-${kind}`)
    .allInnerTexts();

test("a year shows its holidays by name, days worked instead with their hours, and the rest of the week", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, year, close } = await open();
  await year(2026);
  assert.equal(await page.locator(".calendar-month").count(), 12);
  assert.deepEqual(await days(page, 10, "holiday"), ["1休", "2休", "3休"]);
  assert.deepEqual(await days(page, 10, "makeup"), ["10班"]);
  assert.deepEqual((await days(page, 10, "rest")).join(), "4,11,17,18,24,25,31");
  const facts = page.locator(".calendar-facts");
  await facts.getByText("周一至周五 08:00-12:00、14:00-18:00").waitFor();
  await facts.getByText("10-01 – 10-03 国庆节 · 3 天").waitFor();
  await facts.getByText("01-01 元旦 · 1 天").waitFor();
  await facts.getByText("10-10 周六 08:00-12:00、14:00-18:00").waitFor();
  // 365 days, 104 of weekends, 6 holidays of which four fall on working days, one Saturday that is worked.
  await page.getByText("工作日 258 天，休息 107 天").waitFor();
  await close();
});

test("the year is changed with the keyboard alone; what is missing is told with what to do", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, year, close } = await open();
  await year(2026);
  await page.getByText("2026 年的节假日还没有按官方通知核对").waitFor();
  await page.getByRole("button", { name: "下一年" }).focus();
  await page.keyboard.press("Enter");
  await page.locator(".calendar-year", { hasText: "2027" }).waitFor();
  assert.equal(await page.getByText("国办发明电〔2026〕9 号").count(), 1);
  await page.keyboard.press("Enter");
  await page.locator(".calendar-year", { hasText: "2028" }).waitFor();
  await page.getByText("日历里没有 2028 年").waitFor();
  await page.getByText("会过早到期").first().waitFor();
  for (const step of [
    "hub.toml 里 calendar 所指的文件",
    "[[year]]",
    "hub check --config hub.toml",
    "重新启动中心",
  ])
    assert.ok(await page.locator(".calendar-how li", { hasText: step }).isVisible(), step);
  await page.getByRole("button", { name: "上一年" }).focus();
  await page.keyboard.press("Enter");
  await page.locator(".calendar-year", { hasText: "2027" }).waitFor();
  // What is no year is not taken.
  await page.locator(".admin-year input").fill("99999");
  await page.locator(".admin-year input").press("Enter");
  await until("the field has the year again", async () => {
    return (await page.locator(".admin-year input").inputValue()) === "2027";
  });
  await close();
});

test("who may not be warned by the hub sees what is wrong with the year they look at", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, year, close } = await open({ user: "officer" });
  await year(2029);
  await page.getByText("日历里没有 2029 年").waitFor();
  assert.equal(await page.locator(".calendar-fault").count(), 1);
  await close();
});

for (const [locale, viewport, width, colorScheme] of [
  ["zh-CN", WIDE, 1440, "light"],
  ["en-GB", NARROW, 390, "light"],
  ["zh-CN", NARROW, 390, "dark"],
  ["en-GB", WIDE, 1440, "dark"],
]) {
  test(`the calendar at ${width} in ${locale}, ${colorScheme}: accessible, and it fits`, {
    skip: MOCK_ONLY,
  }, async () => {
    const { page, year, close } = await open({ locale, viewport, colorScheme, bypassCSP: true });
    await year(2026);
    const file = `${OUTPUT}calendar-${width}-${locale.slice(0, 2)}-${colorScheme}.png`;
    await page.screenshot({ path: file, fullPage: true });
    await page.evaluate(() => scrollTo(0, 0));
    assert.deepEqual(await checkPage(page, "calendar"), []);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${wide} px too wide`);
    await close();
  });
}

test("the calendar that is shipped is shown as a real hub reads it", {
  skip: hubProgram() === null && "needs a hub: `cargo build -p hub`, or GRIDWATCH_HUB",
}, async () => {
  const hub = await startHub({ officers: [{ name: "chief", role: "administrator" }] });
  const front = await startFront(hub.url);
  const { page, context, faults } = await openPage(front.url);
  try {
    await signIn(page, front.url, "/admin/calendar", "chief", OFFICER_PASSWORD);
    await page.locator(".admin-year input").fill("2026");
    await page.locator(".admin-year input").press("Enter");
    await page.locator(".calendar-year", { hasText: "2026" }).waitFor();
    await page.locator(".calendar-facts").getByText("05-01 – 05-02 劳动节 Labour Day · 2 天").waitFor();
    assert.deepEqual(await days(page, 5, "holiday"), ["1休", "2休"]);
    await page.getByText("2026 年的节假日还没有按官方通知核对").waitFor();
    assert.deepEqual(faults, []);
  } finally {
    await context.close();
    await front.stop();
    await hub.stop();
  }
});
