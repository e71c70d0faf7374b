/** Supervision: deciding what is asked for, cards and overdue, the rates of units and areas. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SMOKE } from "../dev/mock-data.mjs";
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

before(openBrowser);
after(closeBrowser);

const WANG = { username: "wang", display_name: "王芳" };
const QIAN = { username: "qian", display_name: "钱进" };

/** A case of a unit, which may ask for something. */
function dispatched(hub, given = {}) {
  const found = hub.add({ ...SMOKE, kind: "water_leak", severity: "P3", ...given });
  hub.change(found.id, "file", WANG, null, { condition: "alarm_stands" });
  hub.change(found.id, "dispatch", WANG, null, { unit: "lihu-property" });
  return found;
}

test("a supervisor grants more time where it is asked for, by keyboard only", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub({ empty: true });
  const { id } = dispatched(hub);
  const { page, context, faults } = await openPage(url);
  await signIn(page, url, "/supervision", "supervisor", "supervisor");
  await page.getByText("没有待决定的申请").waitFor();
  const due = hub.cases.get(id).due_at;
  hub.change(id, "ask_extension", QIAN, "配件要到明天才到货");
  const ask = page.locator(`.ask[data-case="${id}"]`);
  await ask.getByText("申请延期").waitFor();
  await ask.getByText("配件要到明天才到货").waitFor();
  const to = (what, check) =>
    until(what, async () => {
      await page.keyboard.press("Tab");
      return page.evaluate(check);
    });
  await to("the button", () => document.activeElement?.textContent === "决定");
  await page.keyboard.press("Enter");
  await until("the first choice", () => page.evaluate(() => document.activeElement?.type === "radio"));
  await page.keyboard.press("Space");
  await to("the reason", () => document.activeElement?.tagName === "TEXTAREA");
  await page.keyboard.type("同意延期一小时");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("没有待决定的申请").waitFor();
  assert.ok(hub.cases.get(id).due_at > due, "it has more time");
  assert.equal(hub.cases.get(id).transitions.at(-1).reason, "同意延期一小时");
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("who may not decide sees what is asked for and why there is no button", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub({ empty: true });
  const { id } = dispatched(hub);
  hub.change(id, "ask_extension", QIAN, "配件未到");
  const { page, context } = await openPage(url, { locale: "en-GB" });
  await signIn(page, url, "/supervision");
  await page.locator(".ask").getByText("Your role does not decide this.").waitFor();
  assert.equal(await page.locator(".ask button").count(), 0);
  await context.close();
  await stop();
});

test("cards and overdue cases come and go live; 1000 of them are drawn in part", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub({ empty: true });
  const past = new Date(Date.now() - 7_200_000).toISOString();
  for (let n = 0; n < 1000; n++) {
    const found = dispatched(hub, { place: { floor: String(n) } });
    found.due_at = past;
  }
  hub.cases.get(3).card = "red";
  hub.cases.get(4).card = "yellow";
  const { page, context } = await openPage(url);
  await signIn(page, url, "/supervision", "supervisor", "supervisor");
  const cards = page.locator('section[aria-labelledby="cards-heading"] tr[data-case]');
  await until("the cards", async () => (await cards.count()) === 2);
  assert.equal(await cards.first().getAttribute("data-case"), "3", "red first");
  const late = page.locator('section[aria-labelledby="overdue-heading"] tr[data-case]');
  await late.first().waitFor();
  assert.ok((await late.count()) <= 200);
  await page.getByText("1000", { exact: true }).first().waitFor();
  hub.cases.get(3).card = "none";
  hub.change(3, "handle", QIAN);
  await until("one card", async () => (await cards.count()) === 1);
  await context.close();
  await stop();
});

test("rates by unit and area, for a period that survives a reload, and as a file", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, stop } = await openHub();
  const { page, context, faults } = await openPage(url);
  await signIn(page, url, "/supervision", "supervisor", "supervisor");
  await page.locator(".rates").getByText("丽湖网格站").waitFor();
  await page.locator(".trend canvas").waitFor();
  await page.getByRole("button", { name: "按区域" }).click();
  await page.locator(".rates").getByText("第三网格").waitFor();
  await page.getByRole("button", { name: "近 14 天" }).click();
  await page.reload();
  await page.locator(".rates").getByText("第三网格").waitFor();
  const link = await page.getByRole("link", { name: "导出 CSV" }).getAttribute("href");
  assert.match(link, /^\/api\/v1\/reports\/areas\?from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d&format=csv$/);
  await page
    .locator(".rates-head")
    .getByText(/\d{4}-\d\d-\d\d 至/)
    .waitFor();
  await page.getByText("以表格查看").click();
  assert.equal(await page.locator("details tbody tr").count(), 14, "a row for each day");
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("supervision has its pictures in both widths and languages, and axe finds nothing", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  const { id } = dispatched(hub);
  hub.change(id, "ask_extension", QIAN, "配件要到明天才到货");
  hub.cases.get(6).card = "yellow";
  hub.cases.get(6).due_at = new Date(Date.now() - 5_400_000).toISOString();
  const found = [];
  for (const [px, viewport] of [
    ["1440", WIDE],
    ["390", NARROW],
  ]) {
    for (const locale of ["zh-CN", "en-GB"]) {
      const colorScheme = locale === "zh-CN" ? "light" : "dark";
      const { page, context, faults } = await openPage(url, {
        viewport,
        locale,
        colorScheme,
        bypassCSP: true,
      });
      await signIn(page, url, "/supervision", "supervisor", "supervisor");
      await page.locator(".ask").waitFor();
      await page.locator(".trend canvas").waitFor();
      await page.locator(".rates tbody tr").first().waitFor();
      await page.screenshot({ path: `${OUTPUT}supervision-${px}-${locale.slice(0, 2)}.png`, fullPage: true });
      found.push(...(await checkPage(page, `supervision ${px} ${locale}`)), ...faults);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wider > 0) found.push(`supervision ${px} ${locale} is ${wider} px wider than the window`);
      await context.close();
    }
  }
  await stop();
  assert.deepEqual(found, []);
});
