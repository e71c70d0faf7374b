/** Each page's main task as its user does it, by pointer or thumb: on a desk's screen and a phone's, in both languages. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SMOKE } from "../dev/mock-data.mjs";
import {
  closeBrowser,
  MOCK_ONLY,
  NARROW,
  openBrowser,
  signIn,
  until,
  WIDE,
  withHubAndPage,
} from "./browser.mjs";

before(openBrowser);
after(closeBrowser);

const WANG = { username: "wang", display_name: "王芳" };
const QIAN = { username: "qian", display_name: "钱进" };

/** A leak that a unit has got. */
function dispatched(hub) {
  const found = hub.add({ ...SMOKE, kind: "water_leak", severity: "P3" });
  hub.change(found.id, "acknowledge", WANG);
  hub.change(found.id, "file", WANG, "属实", { condition: "alarm_stands" });
  hub.change(found.id, "dispatch", WANG, null, { unit: "lihu-property" });
  return found;
}

/** What the user of each page comes for; `say` chooses the words of the language. */
const TASKS = {
  "the board: a critical case is acknowledged where it stands": async ({ page, url, hub }) => {
    const { id } = hub.add(SMOKE);
    await signIn(page, url);
    await page.locator(`.p1-card[data-case="${id}"] .button-ack`).click();
    await page.locator(`.p1-card[data-case="${id}"].p1-known`).waitFor();
    assert.equal(hub.cases.get(id).acknowledged_by, "officer");
  },
  "a case: it is filed under a condition and dispatched to a unit": async ({ page, url, hub, say }) => {
    const { id } = hub.add({ ...SMOKE, kind: "water_leak", severity: "P3" });
    await signIn(page, url, `/cases/${id}`);
    await page.getByRole("button", { name: say("立案", "File"), exact: true }).click();
    await page.locator('input[type="radio"][value="alarm_stands"]').check();
    await page.locator(".panel-actions textarea").fill("水泵房积水");
    await page.getByRole("button", { name: say("提交", "Submit") }).click();
    await page.getByRole("button", { name: say("派遣", "Dispatch"), exact: true }).click();
    await page.locator('input[type="radio"][value="lihu-property"]').check();
    await page.getByRole("button", { name: say("提交", "Submit") }).click();
    await until("the case is dispatched", () => hub.cases.get(id).state === "dispatched");
    await page.locator(".way-here").getByText(say("已派遣", "Dispatched")).waitFor();
  },
  "the map: a site leads to its open case": async ({ page, url, hub }) => {
    const { id } = hub.add(SMOKE);
    await signIn(page, url, "/map");
    const site = page.locator(`[data-target="site:${SMOKE.site}"]`);
    await site.getByRole("button").first().click();
    await site.locator(`a[href="/cases/${id}"]`).click();
    await page.locator(".case-head").waitFor();
  },
  "the phone: a task is accepted, reached and fed back": async ({ page, url, hub, say }) => {
    const { id } = dispatched(hub);
    await signIn(page, url, "/", "worker", "worker");
    await page.locator(".task-title a").click();
    await page.getByRole("button", { name: say("接办", "Begin handling"), exact: true }).click();
    await page.getByRole("button", { name: say("到达现场", "On site") }).click();
    await page.getByRole("button", { name: say("反馈", "Report the result"), exact: true }).click();
    await page.locator("textarea").fill("阀门已更换");
    await page.getByRole("button", { name: say("提交", "Submit") }).click();
    await until("the result is at the hub", () => hub.cases.get(id).state === "feedback");
  },
  "the wall: a new case is counted without a hand": async ({ page, url, hub }) => {
    await signIn(page, url, "/wall");
    const first = page.locator(".wall-level").first().locator("strong");
    await until("nothing is open", async () => (await first.innerText()) === "0");
    hub.add(SMOKE);
    await until("one P1", async () => (await first.innerText()) === "1");
  },
  "supervision: more time is granted with a reason": async ({ page, url, hub, say }) => {
    const { id } = dispatched(hub);
    const due = hub.cases.get(id).due_at;
    hub.change(id, "ask_extension", QIAN, "配件未到");
    await signIn(page, url, "/supervision", "supervisor", "supervisor");
    const ask = page.locator(`.ask[data-case="${id}"]`);
    await ask.getByRole("button", { name: say("决定", "Decide"), exact: true }).click();
    await ask.locator('input[type="radio"]').first().check();
    await ask.locator("textarea").fill("同意");
    await ask.getByRole("button", { name: say("提交", "Submit") }).click();
    await until("it has more time", () => hub.cases.get(id).due_at > due);
  },
  "the devices: a message that nobody understood becomes a profile": async ({ page, url, say }) => {
    await signIn(page, url, "/devices");
    await page.locator('a[href="/devices/gw-lihu-1"]').first().click();
    await page
      .getByRole("button", { name: say("生成设备档案", "Make a profile") })
      .first()
      .click();
    assert.match(await page.locator("dialog textarea").inputValue(), /^schema = 1$/m);
  },
  "the administration: a channel is tested": async ({ page, url, say }) => {
    await signIn(page, url, "/admin/channels", "admin", "admin");
    await page
      .getByRole("button", { name: say("发送测试", "Send a test") })
      .first()
      .click();
    await page.locator('ul[role="status"] li.good').first().waitFor();
  },
};

/** These pages are shown with what a hub has had for a while. */
const WITH_GATEWAYS = /^the devices|^the administration/;

for (const [task, run] of Object.entries(TASKS)) {
  for (const [width, viewport, locale] of [
    ["1440", WIDE, "zh-CN"],
    ["1440", WIDE, "en-GB"],
    ["390", NARROW, "zh-CN"],
    ["390", NARROW, "en-GB"],
  ]) {
    test(`${task}, at ${width} px in ${locale}`, { skip: MOCK_ONLY }, async () => {
      const say = (zh, en) => (locale === "zh-CN" ? zh : en);
      const empty = !WITH_GATEWAYS.test(task);
      await withHubAndPage({ empty, viewport, locale }, (given) => run({ ...given, say }));
    });
  }
}
