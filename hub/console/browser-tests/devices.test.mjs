/** Gateways: a city's worth of them, the silences of a site, and what belongs nowhere yet. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { lostParent, makeParent } from "../dev/mock-parent.mjs";
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
  withHubAndPage,
} from "./browser.mjs";

before(openBrowser);
after(closeBrowser);

const MANY = 1000;

test("a thousand gateways are drawn in part, searched, and narrowed to those that need someone", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  const whole = hub.gateways.get("gw-lihu-1");
  hub.gateways.clear();
  for (let n = 1; n <= MANY; n++) {
    const id = `gw-${String(n).padStart(4, "0")}`;
    hub.gateways.set(id, { ...whole, id, state: n === 700 ? "silent" : "online" });
  }
  const { page, context, faults } = await openPage(url);
  await signIn(page, url, "/devices");
  await page.locator(".gateway").first().waitFor();
  assert.match(await page.locator(".gateway").first().innerText(), /gw-0700/, "who needs someone is first");
  assert.ok((await page.locator(".gateway").count()) < 200, "not all are drawn");
  await until("the last one, scrolled to", async () => {
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    return (await page.getByText("gw-1000", { exact: true }).count()) === 1;
  });
  await page.getByPlaceholder("查找").fill("0123");
  await page.getByText(`1 / ${MANY} 条`).waitFor();
  assert.equal(await page.locator(".gateway").count(), 1);
  await page.getByPlaceholder("查找").fill("");
  await page.getByLabel("需要注意").check();
  await page.getByText(`1 / ${MANY} 条`).waitFor();
  assert.match(await page.locator(".gateway").innerText(), /gw-0700/);
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("a child's officers see the link to the parent: calm while it works, a warning when it was lost too long", {
  skip: MOCK_ONLY,
}, async () => {
  for (const [viewport, locale, dark] of [
    [WIDE, "zh-CN", false],
    [NARROW, "en-GB", true],
  ]) {
    const { url, hub, stop } = await openHub();
    hub.parent = makeParent();
    const colorScheme = dark ? "dark" : "light";
    const { page, context, faults } = await openPage(url, { viewport, locale, colorScheme, bypassCSP: true });
    await signIn(page, url, "/devices");
    const line = page.locator(".parent-line");
    await line.getByText("city.example:8443").waitFor();
    assert.equal(await line.getAttribute("data-state"), "up");
    assert.equal(await page.locator(".strip-parent").count(), 0);
    const name = `parent-${viewport === WIDE ? 1440 : 390}`;
    await page.screenshot({ path: `${OUTPUT}${name}-up.png` });
    hub.parent = lostParent(780_000);
    await page.reload();
    const warning = page.locator(".strip-parent");
    await warning.waitFor();
    assert.match(await warning.innerText(), /13/, "for how long");
    assert.match(await line.innerText(), locale === "zh-CN" ? /连接不上上级平台/ : /cannot be reached/);
    await page.screenshot({ path: `${OUTPUT}${name}-lost.png` });
    assert.deepEqual(await checkPage(page, name), []);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${wide} px too wide`);
    // From any page the warning leads to what is known of it.
    await page.goto(`${url}/`);
    await warning.click();
    await line.waitFor();
    assert.deepEqual(faults, []);
    await context.close();
    await stop();
  }
});

test("a gateway's page has the silences of its site and leads to a new one for it", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  const silence = {
    id: 1,
    version: 1,
    by: "boss",
    by_name: "值班长",
    why: "消防泵维修",
    matcher: { site: hub.gateways.get("gw-lihu-1").site },
    from: new Date().toISOString(),
    until: new Date(Date.now() + 7_200_000).toISOString(),
    weekly: [],
    state: "active",
    ends_soon: false,
    hides: 1,
  };
  hub.admin.silences.push(silence, { ...silence, id: 2, why: "别处", matcher: { site: "elsewhere" } });
  const { page, context, faults } = await openPage(url);
  await signIn(page, url, "/devices/gw-lihu-1", "admin", "admin");
  await page.locator(".site-silences").getByText("消防泵维修").waitFor();
  assert.equal(await page.getByText("别处").count(), 0);
  await page.getByRole("link", { name: "静默与维护页" }).click();
  await page.locator('select[name="site"]').waitFor();
  assert.equal(await page.locator('select[name="site"]').inputValue(), silence.matcher.site);
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("what belongs nowhere yet is listed with its open cases and leads to its gateway", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  hub.unassigned = {
    sites: [{ id: "new-yard", gateways: ["gw-new"], open_cases: 2, worst: "P2" }],
    devices: [{ gateway: "gw-lihu-1", device: "zigbee2mqtt/unnamed", site: "lihu", open_cases: 0 }],
    next: null,
  };
  const { page, context, faults } = await openPage(url);
  await signIn(page, url, "/devices");
  const panel = page.getByRole("region", { name: "还没有归属" });
  await panel.getByText("未结 2 起").waitFor();
  await panel.getByText("zigbee2mqtt/unnamed").waitFor();
  await panel.getByRole("link", { name: "gw-lihu-1" }).click();
  await page.getByRole("heading", { name: "巡检测试" }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("a gateway's models say what runs, what drifts, and what a candidate would have said", {
  skip: MOCK_ONLY,
}, async () => {
  await withHubAndPage({}, async ({ page, url }) => {
    await signIn(page, url, "/devices/gw-lihu-1");
    const rooms = page.locator(".models > li").first();
    await rooms.getByText("室内环境").waitFor();
    await rooms.getByText("版本 3", { exact: true }).waitFor();
    await rooms.getByText("18（2 个还在学习）").waitFor();
    await rooms.getByText("候选版本 4（影子运行）").waitFor();
    await rooms.getByText("204（0.8 %）").waitFor();
    await rooms.getByText("最近 3 次不一致").click();
    assert.match(
      await rooms.locator("tbody tr").first().innerText(),
      /0\.655 平常\s+0\.731 留意/,
      "newest first",
    );
    await page.locator(".models > li").nth(1).getByText("只计算，不报警").waitFor();
    await visit(page, "/devices/gw-jinyuan-1");
    await page.getByText("与现场不符，暂由统计判断").waitFor();
    await page.getByText("0.41（超过 0.25 为漂移）").waitFor();
    await visit(page, "/devices/gw-chengnan-1");
    await page.getByText("这个网关没有报告异常检测模型").waitFor();
  });
});
