/** Administration: the directory, people, the roster, silences, channels, the catalogue and the audit. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { changedAt } from "../dev/mock-verify.mjs";
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

async function open(path, options) {
  const { url, hub, stop } = await openHub();
  const opened = await openPage(url, options);
  await signIn(opened.page, url, path, "admin", "admin");
  return { ...opened, hub, stop, url };
}

const file = (name, text) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text) });

test("a unit is added, changed and removed by hand", { skip: MOCK_ONLY }, async () => {
  const { page, hub, stop, faults } = await open("/admin/directory");
  await page.getByRole("button", { name: "单位", exact: true }).click();
  await page.getByRole("button", { name: "新增" }).click();
  await page.getByRole("button", { name: "保存" }).click();
  await page.getByText("还缺：").waitFor();
  for (const [name, value] of [
    ["code", "gas-team"],
    ["name.zh", "燃气抢险队"],
    ["name.en", "Gas team"],
    ["kind", "gas"],
    ["area", "440605"],
  ]) {
    await page.locator(`input[name="${name}"]`).fill(value);
  }
  await page.getByRole("button", { name: "保存" }).click();
  await page.getByRole("cell", { name: "gas-team", exact: true }).waitFor();
  assert.deepEqual(hub.admin.tables.units[1], {
    code: "gas-team",
    name: { zh: "燃气抢险队", en: "Gas team" },
    kind: "gas",
    area: "440605",
    phone: null,
  });
  await page.getByRole("button", { name: "修改 gas-team" }).click();
  assert.ok(await page.locator('input[name="code"]').isDisabled(), "a key stays");
  await page.locator('input[name="phone"]').fill("12345");
  await page.getByRole("button", { name: "保存" }).click();
  await page.getByRole("cell", { name: "12345", exact: true }).waitFor();
  await page.getByRole("button", { name: "删除 gas-team" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "删除" }).click();
  await until("the unit is gone", () => hub.admin.tables.units.length === 1);
  assert.deepEqual(faults, []);
  await stop();
});

test("a file is looked at first, refused with everything that is wrong, and then taken", {
  skip: MOCK_ONLY,
}, async () => {
  const { page, hub, stop, faults } = await open("/admin/directory");
  await page.getByRole("button", { name: "单位", exact: true }).click();
  await page.getByRole("cell", { name: "lihu-property", exact: true }).waitFor();
  const input = page.locator('input[type="file"]');
  await input.setInputFiles(
    file("bad.csv", "code,name_zh,name_en,kind,area\nx,甲,A,gas,77\ny,乙,B,gas,88\n"),
  );
  await page.getByText("the area `88` is not there").waitFor();
  assert.equal(await page.locator(".finding-error").count(), 2);
  assert.equal(hub.admin.tables.units[0].code, "lihu-property", "nothing was taken");
  await input.setInputFiles(file("good.csv", "code,name_zh,name_en,kind,area\nx,甲,A,gas,440605\n"));
  await page.getByText("新增 1，修改 0，删除 1").waitFor();
  assert.equal(hub.admin.tables.units[0].code, "lihu-property", "still only looked at");
  await page.getByRole("button", { name: "确认导入" }).click();
  await page.getByRole("cell", { name: "x", exact: true }).waitFor();
  assert.deepEqual(
    hub.admin.tables.units.map((unit) => unit.code),
    ["x"],
  );
  assert.deepEqual(faults, []);
  await stop();
});

test("a person is added with a password that is shown once, and shut out", { skip: MOCK_ONLY }, async () => {
  const { page, hub, stop, faults } = await open("/admin/people");
  await page.getByRole("button", { name: "新增人员" }).click();
  await page.locator('dialog input[name="username"]').fill("qian");
  await page.locator('dialog select[name="role"]').selectOption("handler");
  await page.locator('dialog input[name="unit"]').fill("lihu-property");
  await page.getByRole("button", { name: "保存" }).click();
  await page.getByText("made-by-the-hub").waitFor();
  await page.getByRole("button", { name: "关闭" }).click();
  assert.equal(hub.admin.people.at(-1).unit, "lihu-property");
  await page.getByRole("button", { name: "停用 wang" }).click();
  await page.getByText("已停用").waitFor();
  await page.getByRole("button", { name: "启用 wang" }).click();
  await page.getByRole("button", { name: "停用 wang" }).waitFor();
  assert.deepEqual(faults, [], "hostile names are only text");
  await stop();
});

test("a substitute is entered in the roster and taken back", { skip: MOCK_ONLY }, async () => {
  const { page, hub, stop, faults } = await open("/admin/rosters");
  await page.getByText("14 天内无人值班").waitFor();
  await page.getByRole("button", { name: /^值班表/ }).click();
  await page.locator('.admin-form select[name="who"]').selectOption("wang");
  await page.getByLabel("由谁替").selectOption("chen");
  await page.getByLabel("从", { exact: true }).fill("2026-12-05T20:00");
  await page.getByLabel("到", { exact: true }).fill("2026-12-06T08:00");
  await page.getByRole("button", { name: "添加" }).click();
  await page.getByText("chen 替 wang").waitFor();
  assert.equal(hub.admin.roster.roster.substitutions[0].from, "2026-12-05T12:00:00.000Z");
  await page.getByRole("button", { name: "删除 chen" }).click();
  await until("it is taken back", () => hub.admin.roster.roster.substitutions.length === 0);
  assert.deepEqual(faults, []);
  await stop();
});

test("a silence is made and ended, and life safety is refused", { skip: MOCK_ONLY }, async () => {
  const { page, hub, stop, faults } = await open("/admin/silences");
  await page.locator('input[name="why"]').fill("换电池");
  await page.locator('select[name="category"]').selectOption("fire_suspected");
  await page.locator("form").getByRole("button", { name: "新建静默" }).click();
  await page.getByText("life safety is never silenced").waitFor();
  await page.locator('select[name="category"]').selectOption("");
  assert.equal(await page.locator('input[name="device"]').count(), 0, "devices are only known at a site");
  await page.locator('select[name="site"]').selectOption("lihu");
  await page.locator('input[name="device"]').fill("zigbee2mqtt/烟感-1407");
  await page.locator('select[name="area"]').selectOption("440605004");
  await page.getByLabel("周二").check();
  await page.locator("form").getByRole("button", { name: "新建静默" }).click();
  await page.getByText("隐藏 2 起事件").waitFor();
  assert.deepEqual(hub.admin.silences[0].matcher, {
    ...{ area: "440605004", site: "lihu", device: "zigbee2mqtt/烟感-1407" },
  });
  const about = page.locator(".admin-matcher");
  for (const name of ["桂城街道 440605004", "丽湖花园 lihu", "2栋 1单元 14层 走廊 zigbee2mqtt/烟感-1407"])
    await about.getByText(name).first().waitFor();
  assert.deepEqual(hub.admin.silences[0].weekly, [{ day: "tuesday", from: "22:00", until: "06:00" }]);
  await page.getByRole("button", { name: "立即结束" }).click();
  await page.getByText("没有静默").waitFor();
  assert.deepEqual(faults, []);
  await stop();
});

test("a channel is tested and a dead letter sent again", { skip: MOCK_ONLY }, async () => {
  const { page, stop, faults } = await open("/admin/channels");
  await page.getByText("等待 0 条，失败 1 条").waitFor();
  await page.getByRole("button", { name: "发送测试 duty-room" }).click();
  await page.getByText("已送达 ok").waitFor();
  await page.getByRole("button", { name: "再发一次" }).click();
  await page.getByText("全部送达").waitFor();
  assert.deepEqual(faults, []);
  await stop();
});

test("an auditor sees whether the records are whole, and where they are not", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  const { page, faults } = await openPage(url, { viewport: WIDE });
  await signIn(page, url, "/admin/audit", "auditor", "auditor");
  await page.getByText("检验记录是否完整").click();
  await page.getByRole("button", { name: "开始检验" }).click();
  const audit = page.locator('[data-chain="audit"]');
  const cases = page.locator('[data-chain="cases"]');
  await audit.getByText("共 12,345 条，从").waitFor();
  await cases.getByText("共 3,210 条，从").waitFor();
  await audit.getByText("与 94 个签名链头一致").waitFor();
  await page.screenshot({ path: `${OUTPUT}verify-whole.png` });

  hub.chains.cases.broken = changedAt(1234);
  await page
    .locator('.verify input[type="file"]')
    .setInputFiles(file("heads.jsonl", '{"data":{}}\n{"data":{}}'));
  await page.getByText("heads.jsonl").waitFor();
  await page.getByRole("button", { name: "开始检验" }).click();
  await cases.getByText("第 1,234 条处断开").waitFor();
  await cases.getByText("内容或位置被改动过").waitFor();
  await cases.getByText("请保护现场").waitFor();
  await cases.getByText("此前 1,233 条无误").waitFor();
  await page.screenshot({ path: `${OUTPUT}verify-broken.png` });

  // What is no file of heads is refused in words, and nothing is told to be whole.
  await page.locator('.verify input[type="file"]').setInputFiles(file("notes.txt", "nothing"));
  await page.getByRole("button", { name: "开始检验" }).click();
  await page.locator(".verify .note-bad").first().waitFor();
  assert.equal(await page.locator(".verify-whole").count(), 0);
  assert.deepEqual(
    faults.filter((fault) => !fault.includes("422")),
    [],
  );
  await stop();
});

test("an auditor of one area is told who checks the records, and gets nothing to press", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, stop } = await openHub();
  const { page, faults } = await openPage(url, { viewport: WIDE });
  await signIn(page, url, "/admin/audit", "auditor2", "auditor2");
  await page.getByText("由不限区域的审计员或管理员检验").waitFor();
  assert.equal(await page.locator(".verify").count(), 0);
  assert.deepEqual(faults, []);
  await stop();
});

test("everybody finds only their own sections, and the audit links to cases", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  const { page, faults } = await openPage(url);
  hub.admin.audit.unshift({ ...hub.admin.audit[0], link: 3, action: "close", subject: "case 1", case: 1 });
  await signIn(page, url, "/admin", "auditor", "auditor");
  const names = await page.locator(".admin-nav a").allTextContents();
  assert.deepEqual(names, ["值班表", "静默与维护", "事项目录", "工作日历", "审计"]);
  assert.equal(await page.locator(".shift-start, .strip-warning").count(), 0, "an auditor stands at no desk");
  await page.getByRole("link", { name: "审计" }).click();
  await page.getByRole("link", { name: "case 1" }).click();
  await page.locator(".case-head").waitFor();
  assert.deepEqual(faults, []);
  await stop();
});

for (const [locale, viewport, width] of [
  ["zh-CN", WIDE, 1440],
  ["en-GB", NARROW, 390],
]) {
  test(`every section at ${width} in ${locale} is accessible and fits`, { skip: MOCK_ONLY }, async () => {
    const { page, stop, faults } = await open("/admin", { locale, viewport, bypassCSP: true });
    for (const section of [
      "directory",
      "people",
      "rosters",
      "silences",
      "channels",
      "catalogue",
      "calendar",
      "audit",
    ]) {
      await page.locator(`.admin-nav a[href="/admin/${section}"]`).click();
      await page
        .locator(".note:not(.note-bad)")
        .waitFor({ state: "detached" })
        .catch(() => undefined);
      if (section === "audit") {
        await page.locator(".verify summary").click();
        await page.locator(".verify .button-primary").click();
        await page.locator('[data-chain="cases"] .verify-whole').waitFor();
      }
      await page.screenshot({ path: `${OUTPUT}admin-${section}-${width}-${locale.slice(0, 2)}.png` });
      assert.deepEqual(await checkPage(page, section), []);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${section} is ${wide} px too wide`);
    }
    assert.deepEqual(faults, []);
    await stop();
  });
}

test("a shift is taken over with what was handed over, and the next officer reads it", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  const { page, context, faults } = await openPage(url);
  await signIn(page, url, "/admin/rosters");
  await page.getByText("还没有人接班").waitFor();
  await page.getByLabel(/交班说明/).fill("3 号楼消防泵在修，来人已登记");
  await page.getByRole("button", { name: "接班", exact: true }).click();
  await page.getByText("officer 接 li 的班").waitFor();
  await page.getByText("3 号楼消防泵在修，来人已登记").waitFor();
  assert.equal(hub.admin.takeovers[0].area, "440605004");
  assert.equal(await page.getByRole("button", { name: "接班", exact: true }).count(), 0, "once is enough");
  await page.getByRole("button", { name: /以前的交接/ }).click();
  await page.locator(".hand-overs li").first().waitFor();
  await page.locator(".hand-over-cases a").first().click();
  await page.locator(".case-head").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("what is missing at a desk is in the strip of every page at once, and goes when it has ended", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  const { page, context, faults } = await openPage(url);
  await signIn(page, url, "/");
  assert.equal(await page.locator(".strip-desk").count(), 0);
  const detail = { zh: "桂城街道：没有值班台会响", en: "Guicheng Street: no console would be heard" };
  const lost = { kind: "console_lost", severity: "P2", began_at: new Date().toISOString(), detail };
  hub.admin.missing = [lost];
  hub.tell("desk", { change: "console_lost", area: "440605004", detail });
  await page.locator(".strip-desk").getByText("没有值班台会响").waitFor();
  await page.locator(".strip-desk").click();
  await page.locator(".admin-cards .note-bad").getByText("没有值班台会响").waitFor();
  hub.admin.missing = [];
  hub.tell("desk", { change: "duty_restored", area: "440605004" });
  await page.locator(".strip-desk").waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});
