// @ts-check
/**
 * Piles of combining marks in texts of devices and people. Pure. In plain JavaScript, so that the browser tests, which
 * run without a build, cut as the console does.
 */

/**
 * No script puts more marks on one letter; more of them are drawn over the lines around, or stretch the page, since
 * nothing breaks inside a letter.
 */
const MARKS_MAX = 8;
const PILE = new RegExp(`(\\p{M}{${MARKS_MAX}})\\p{M}+`, "gu");

/**
 * The text with what is too much of a pile replaced by an ellipsis.
 *
 * @param {string} text
 * @returns {string}
 */
export function levelled(text) {
  return text.replace(PILE, "$1…");
}
