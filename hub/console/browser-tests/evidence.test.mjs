/** Evidence in the case page: uploading, seeing, and revealing what is masked. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SMOKE } from "../dev/mock-data.mjs";
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

before(openBrowser);
after(closeBrowser);

const photo = { name: "现场.png", mimeType: "image/png", buffer: PIXEL };
const width = (image) => image.evaluate((each) => each.naturalWidth);

test("an officer uploads a photo; a masked one is shown only after a reason, for ten minutes", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub({ empty: true });
  const { id } = hub.add({ ...SMOKE, severity: "P3" });
  const { page, context, faults } = await openPage(url);
  await page.clock.install();
  await signIn(page, url, `/cases/${id}`);
  await page.getByText("还没有证据文件").waitFor();
  await page.locator(".photo input").setInputFiles({ ...photo, name: "a.gif", mimeType: "image/gif" });
  await page.getByText("只能是 JPEG、PNG、WebP 或 PDF。").waitFor();
  assert.equal(hub.uploads.length, 0);
  await page.locator(".photo input").setInputFiles(photo);
  const image = page.locator(".evidence-image");
  await until("the picture is drawn", async () => (await width(image)) === 1);
  assert.equal(hub.uploads.length, 1);
  // The category of the case is one whose pictures are masked.
  hub.cases.get(id).masked = true;
  await page.reload();
  await page.getByText("涉及个人隐私，已遮盖").waitFor();
  assert.equal(await image.count(), 0);
  await page.getByRole("button", { name: "说明理由后查看" }).click();
  const dialog = page.locator("dialog[open]");
  await dialog.getByRole("button", { name: "查看" }).click();
  await dialog.getByText("请填写理由").waitFor();
  await dialog.locator("textarea").fill("核对是否有人受困");
  await dialog.getByRole("button", { name: "查看" }).click();
  await until("the picture is drawn again", async () => (await width(image)) === 1);
  await page.getByText(/后自动遮盖/).waitFor();
  assert.deepEqual(
    hub.reveals.map(({ id, reason, by }) => ({ id, reason, by })),
    [{ id, reason: "核对是否有人受困", by: "officer" }],
  );
  await page.clock.fastForward(11 * 60_000);
  await page.getByText("涉及个人隐私，已遮盖").waitFor();
  assert.equal(await image.count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("the result's evidence is uploaded with it; the hub's refusal is said", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub({ empty: true });
  const { id } = hub.add({ ...SMOKE, severity: "P3" });
  hub.change(id, "file", { username: "wang", display_name: "王芳" });
  const { page, context } = await openPage(url, { locale: "en-GB" });
  await signIn(page, url, `/cases/${id}`);
  await page.getByRole("button", { name: "Settle at once" }).click();
  await page.locator('.reason input[type="file"]').setInputFiles(photo);
  await page.locator(".reason").getByText("现场.png").waitFor();
  await page.locator("textarea").fill("done");
  await page.getByRole("button", { name: "Submit" }).click();
  await page
    .locator(".way-here")
    .getByText("Result reported")
    .or(page.locator(".way-here"))
    .first()
    .waitFor();
  await until("the case has moved", () => hub.cases.get(id).state === "feedback");
  const [piece] = hub.cases.get(id).transitions.at(-1).details.evidence;
  assert.equal(hub.uploads[0].sha256, piece.sha256);
  hub.down = true;
  await page.locator(".photo input").setInputFiles({ ...photo, name: "b.png" });
  await page.getByText(/Not uploaded: the hub cannot be reached/).waitFor();
  hub.down = false;
  await context.close();
  await stop();
});

test("the evidence of a case has its pictures in both widths and languages, and axe finds nothing", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  const found = [];
  for (const [px, viewport] of [
    ["1440", WIDE],
    ["390", NARROW],
  ]) {
    for (const locale of ["zh-CN", "en-GB"]) {
      const { page, context, faults } = await openPage(url, { viewport, locale, bypassCSP: true });
      await signIn(page, url, "/cases/1");
      await page.getByRole("heading", { name: /^(证据|Evidence)$/ }).waitFor();
      if (hub.uploads.length === 0) await page.locator(".photo input").setInputFiles(photo);
      await page.locator(".evidence-image").waitFor();
      await page.locator(".evidence-image").scrollIntoViewIfNeeded();
      await page.screenshot({ path: `${OUTPUT}evidence-${px}-${locale.slice(0, 2)}.png` });
      found.push(...(await checkPage(page, `evidence ${px} ${locale}`)), ...faults);
      hub.cases.get(1).masked = true;
      await page.reload();
      await page.getByRole("button", { name: /说明理由后查看|Give a reason/ }).click();
      await page.screenshot({ path: `${OUTPUT}reveal-${px}-${locale.slice(0, 2)}.png` });
      found.push(...(await checkPage(page, `reveal ${px} ${locale}`)));
      hub.cases.get(1).masked = false;
      hub.reveals.length = 0;
      await context.close();
    }
  }
  await stop();
  assert.deepEqual(found, []);
});
