/** A case on paper: what is on it, on which paper, and what is not. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { checkPage, PIXEL } from "./axe.mjs";
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
import { sizeOfPdf, textOfPdf } from "./pdf.mjs";

before(openBrowser);
after(closeBrowser);

const EXPECTED = {
  "zh-CN": [
    "事件办理单",
    "20261122-000006",
    "丽湖花园",
    "南海区桂城街道南新三路18号",
    "电量8%",
    "王芳",
    "已通知物业更换电池",
    "丽湖物业",
    "办理过程",
    "经办人",
    "李明于",
  ],
  "en-GB": [
    "Casesheet",
    "20261122-000006",
    "LihuGarden",
    "18Nanxin3rdRoad",
    "Batteryat8%",
    "王芳",
    "Lihupropertymanagement",
    "Whatwasdone",
    "Handledby",
    "Printedby李明",
  ],
};
const NOT_ON_PAPER = ["试音", "退出登录", "声音未开启", "Soundisoff", "Signout"];

test("the sheet of a case is one A4 PDF with everything of the case and nothing of the console", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  for (const [locale, words] of Object.entries(EXPECTED)) {
    // A dark room prints on white paper all the same.
    const { page, context, faults } = await openPage(url, { locale, colorScheme: "dark" });
    await signIn(page, url, "/cases/6");
    if (hub.uploads.length === 0) {
      await page
        .locator(".photo input")
        .setInputFiles({ name: "a.png", mimeType: "image/png", buffer: PIXEL });
      await page.locator(".evidence-image").waitFor();
    }
    await page.getByRole("link", { name: /打印办理单|Printable sheet/ }).click();
    await page.locator(".sheet-photos img").waitFor();
    await until("the picture", () =>
      page.locator(".sheet-photos img").evaluate((each) => each.naturalWidth === 1),
    );
    const pdf = await page.pdf({ preferCSSPageSize: true });
    writeFileSync(`${OUTPUT}sheet-${locale.slice(0, 2)}.pdf`, pdf);
    // Fonts name some characters by their radicals (⼈ for 人); NFKC takes them together.
    const text = textOfPdf(pdf).join(" ").normalize("NFKC").replace(/\s+/g, "");
    for (const word of words) assert.ok(text.includes(word), `${locale}: "${word}" is missing in: ${text}`);
    for (const word of NOT_ON_PAPER) assert.ok(!text.includes(word), `${locale}: "${word}" is on paper`);
    assert.ok(text.includes(hub.uploads[0].sha256), "the hash of the evidence, in full");
    assert.deepEqual(sizeOfPdf(pdf), [210, 297]);
    const ground = await page.evaluate(
      () => getComputedStyle(document.querySelector(".sheet")).backgroundColor,
    );
    assert.equal(ground, "rgb(255, 255, 255)");
    assert.deepEqual(faults, []);
    await context.close();
  }
  await stop();
});

test("a masked photo is not printed without a reason", { skip: MOCK_ONLY }, async () => {
  const { url, hub, stop } = await openHub();
  const { page, context } = await openPage(url);
  await signIn(page, url, "/cases/6");
  await page.locator(".photo input").setInputFiles({ name: "a.png", mimeType: "image/png", buffer: PIXEL });
  await page.locator(".evidence-image").waitFor();
  hub.cases.get(6).masked = true;
  await page.goto(`${url}/cases/6/sheet`);
  await page.getByText("1 张照片涉及个人隐私，未打印。").waitFor();
  assert.equal(await page.locator(".sheet-photos img").count(), 0);
  await context.close();
  await stop();
});

test("the sheet has its pictures in both widths and languages, and axe finds nothing", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, stop } = await openHub();
  const found = [];
  for (const [px, viewport] of [
    ["1440", WIDE],
    ["390", NARROW],
  ]) {
    for (const locale of ["zh-CN", "en-GB"]) {
      const colorScheme = locale === "zh-CN" ? "dark" : "light";
      const { page, context, faults } = await openPage(url, {
        viewport,
        locale,
        colorScheme,
        bypassCSP: true,
      });
      await signIn(page, url, "/cases/1/sheet");
      await page.locator(".sheet-signs").waitFor();
      await page.screenshot({ path: `${OUTPUT}sheet-${px}-${locale.slice(0, 2)}.png`, fullPage: true });
      found.push(...(await checkPage(page, `sheet ${px} ${locale}`)), ...faults);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wider > 0) found.push(`sheet ${px} ${locale} is ${wider} px wider than the window`);
      await context.close();
    }
  }
  await stop();
  assert.deepEqual(found, []);
});
