/** Child hubs: how they are, their cases by filter and page, and what they are asked for. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fetchCommands, makeChildren, obey } from "../dev/mock-children.mjs";
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

before(openBrowser);
after(closeBrowser);

/** Long before a page asks by itself, which it does once a minute. */
const SOON_MS = 15_000;

/** A parent hub with this person at a page. */
async function open(path, user = "supervisor", look = {}) {
  const { url, hub, stop } = await openHub({ empty: true });
  hub.children = makeChildren();
  const { page, context, faults } = await openPage(url, look);
  await signIn(page, url, path, user, user);
  const end = async () => {
    assert.deepEqual(faults, []);
    await context.close();
    await stop();
  };
  return { page, hub, end };
}

const row = (page, id) => page.locator(`[data-child-case="donghu/${id}"]`);

test("every child says how it is, and one whose audit does not fit says it in plain words", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, end } = await open("/");
  await page.getByRole("link", { name: "下级平台" }).click();
  const east = page.locator('[data-child="donghu"]');
  await east.getByText("在线").waitFor();
  await east.getByText("已收全，到第 4211 条").waitFor();
  await east.getByText("呼叫待答 1").waitFor();
  await east.getByText("审计 812 条，办理记录 3340 条").waitFor();
  assert.equal(await east.getByRole("alert").count(), 0);
  const west = page.locator('[data-child="xihu"]');
  await west.getByText("失联").waitFor();
  await west.getByText("最后一次心跳").waitFor();
  await west.getByText("库已恢复过，正在重新上报 · 第 2 纪元").waitFor();
  await west.getByText("慢 4 分").waitFor();
  await west.getByRole("alert").getByText("可能被改动、截断或换过").waitFor();
  await west.getByText("hub child accept-audit xihu").waitFor();
  await page.locator('[data-child="beihu"]').getByText("从未上线").waitFor();
  await end();
});

test("a hub without children shows no way to them", { skip: MOCK_ONLY }, async () => {
  const { url, stop } = await openHub({ empty: true });
  const { page, context, faults } = await openPage(url);
  await signIn(page, url, "/children");
  await page.getByText("没有下级平台").waitFor();
  assert.equal(await page.locator(".nav").getByText("下级平台").count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("cases are found by filter, kept in the address, and read page by page", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, end } = await open("/children");
  await row(page, 11).waitFor();
  const rows = page.locator("[data-child-case]");
  assert.equal(await rows.count(), 50);
  await page.getByRole("button", { name: "更多" }).click();
  await until("the second page", async () => (await rows.count()) === 62);
  assert.equal(await page.getByRole("button", { name: "更多" }).count(), 0);
  await page.getByLabel("只看").selectOption("late");
  await until("only the late one", async () => (await rows.count()) === 1);
  await row(page, 12).getByText("黄牌").waitFor();
  await page.reload();
  await row(page, 12).waitFor();
  assert.equal(await page.getByLabel("只看").inputValue(), "late");
  await page.getByRole("button", { name: "清除筛选" }).click();
  await page.getByLabel("范围").selectOption("ended");
  await row(page, 13).getByText("已结案").waitFor();
  await page.getByRole("button", { name: "清除筛选" }).click();
  await page.getByRole("button", { name: "特急", exact: true }).click();
  await until("only P1", async () => (await rows.count()) === 1);
  await page.locator('select[name="step"]').selectOption("handling");
  await page.getByText("没有符合条件的事件").waitFor();
  await end();
});

test("a supervisor gives a card; it waits for the child, is done there, and a refusal tells why", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, hub, end } = await open("/children");
  await row(page, 12).getByRole("link").click();
  await page.getByRole("heading", { name: "办理经过" }).waitFor();
  await page.locator(".way-here").getByText("处置中").waitFor();
  await page.getByLabel("交办什么").selectOption("set_card");
  await page.locator('select[name="card"]').selectOption("red");
  await page.getByRole("button", { name: "交办", exact: true }).click();
  await page.getByText("请填写内容或理由").waitFor();
  assert.equal(hub.children.commands.length, 0);
  await page.getByLabel("内容或理由", { exact: true }).fill("超时两小时，请街道主管督促");
  await page.getByRole("button", { name: "交办", exact: true }).click();
  const waiting = page.locator('[data-command="waiting"]');
  await waiting.getByText("红牌").waitFor();
  await waiting.getByText("超时两小时，请街道主管督促").waitFor();
  const [{ command }] = hub.children.commands;
  assert.deepEqual([command.action, command.card, command.asked_by], ["set_card", "red", "supervisor"]);
  // The live stream says when the child has fetched it and when it has answered; nothing is asked for meanwhile.
  fetchCommands(hub.children);
  hub.childChanged("command", "donghu", command);
  const fetched = page.locator('[data-command="delivered"]');
  await fetched.getByText("下级已取走，等待结果").waitFor({ timeout: SOON_MS });
  await fetched.getByText("取走于").waitFor();
  await page.screenshot({ path: `${OUTPUT}child-command-delivered.png` });
  obey(hub.children);
  hub.childChanged("case", "donghu", command);
  await page.locator('[data-command="done"]').getByText("下级已执行").waitFor({ timeout: SOON_MS });
  await page.locator(".case-head").getByText("红牌").waitFor();
  await page.getByLabel("交办什么").selectOption("ask_report");
  await page.getByLabel("内容或理由", { exact: true }).fill("请报告进展");
  await page.getByRole("button", { name: "交办", exact: true }).click();
  await waiting.getByText("要求报告").waitFor();
  obey(hub.children, "the case is archived");
  hub.childChanged("command", "donghu");
  const refused = page.locator('[data-command="refused"]');
  await refused.getByText("原因：the case is archived").waitFor({ timeout: SOON_MS });
  await end();
});

test("everybody is offered only what their role may ask for", { skip: MOCK_ONLY }, async () => {
  const offered = async (user) => {
    const { page, end } = await open("/children/donghu/1/11", user);
    await page.getByRole("heading", { name: "交办下级" }).waitFor();
    const names = await page.locator('select[name="ask"] option').allTextContents();
    if (names.length === 0) await page.getByText("您的角色不能向下级交办").waitFor();
    await page.getByText("请增派云梯车").waitFor();
    await end();
    return names;
  };
  assert.deepEqual(await offered("officer"), ["批示"]);
  assert.deepEqual(await offered("auditor"), []);
});

test("a called unit finds the case that calls it, and answers", { skip: MOCK_ONLY }, async () => {
  const { page, hub, end } = await open("/tasks", "fire", { viewport: NARROW });
  await page.locator(".menu-button").click();
  await page.getByRole("link", { name: "下级平台" }).click();
  await row(page, 11).getByRole("link").click();
  await page.getByLabel("交办什么").selectOption("answer_call");
  await page.getByLabel("内容或理由", { exact: true }).fill("云梯车已出动");
  await page.getByRole("button", { name: "交办", exact: true }).click();
  await page.locator('[data-command="waiting"]').getByText("第 1 次呼叫").waitFor();
  const [{ command }] = hub.children.commands;
  assert.deepEqual([command.action, command.call, command.unit], ["answer_call", 1, "district-fire"]);
  await end();
});

test("the list holds still until somebody asks for what is new", { skip: MOCK_ONLY }, async () => {
  const { page, hub, end } = await open("/children");
  await row(page, 12).getByText("黄牌").waitFor();
  hub.children.cases.find((each) => each.case.case === 12).case.card = "red";
  hub.children.hubs[0].known.sequence += 1;
  hub.childChanged("case", "donghu", { case_epoch: 1, case: 12 });
  await page.getByText("下级有新的上报").waitFor({ timeout: SOON_MS });
  await row(page, 12).getByText("黄牌").waitFor();
  await page.getByRole("button", { name: "刷新列表" }).click();
  await row(page, 12).getByText("红牌").waitFor();
  assert.equal(await page.getByText("下级有新的上报").count(), 0);
  await end();
});

test("what a parent asked for stands under its name in the child's history", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub({ empty: true });
  const { SMOKE } = await import("../dev/mock-data.mjs");
  const { id } = hub.add(SMOKE);
  hub.change(id, "note", { username: "parent:nanhai", display_name: "陈静" }, "【要求报告】请一小时内报告");
  const { page, context, faults } = await openPage(url);
  await signIn(page, url, `/cases/${id}`);
  await page.locator(".history").getByText("上级平台 陈静").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

for (const [width, viewport, locale] of [
  ["1440", WIDE, "zh-CN"],
  ["1440", WIDE, "en-GB"],
  ["390", NARROW, "zh-CN"],
  ["390", NARROW, "en-GB"],
]) {
  test(`the pages of child hubs are accessible and fit at ${width} in ${locale}`, {
    skip: MOCK_ONLY,
  }, async () => {
    for (const colorScheme of ["light", "dark"]) {
      const look = { viewport, locale, colorScheme, bypassCSP: true };
      const { page, hub, end } = await open("/children", "supervisor", look);
      const shot = async (name) => {
        const file = `${OUTPUT}${name}-${width}-${locale.slice(0, 2)}-${colorScheme}.png`;
        await page.screenshot({ path: file, fullPage: true });
        assert.deepEqual(await checkPage(page, `${name} ${width} ${colorScheme}`), []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${name} is ${wide} px too wide`);
      };
      await page.getByLabel(locale === "zh-CN" ? "只看" : "Only").selectOption("calls");
      await until("one case", async () => (await page.locator("[data-child-case]").count()) === 1);
      await shot("children");
      const at = "/children/donghu/cases/1/11";
      for (const [action, refusal] of [["ask_report"], ["comment", "the case is archived"], ["comment"]]) {
        await page.evaluate(
          ([to, body]) =>
            fetch(`/api/v1${to}/commands`, {
              method: "POST",
              headers: { "X-Gridwatch-Request": "1", "Content-Type": "application/json" },
              body,
            }),
          [at, JSON.stringify({ action, reason: "请一小时内报告现场情况" })],
        );
        if (action === "ask_report" || refusal) obey(hub.children, refusal ?? null);
      }
      await visit(page, "/children/donghu/1/11");
      await page.locator('[data-command="refused"]').waitFor();
      await shot("child-case");
      await end();
    }
  });
}
