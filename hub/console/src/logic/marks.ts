/** Piles of combining marks in texts of devices and people. Pure. */

/**
 * No script puts more marks on one letter; more of them are drawn over the lines around, or stretch the page, since
 * nothing breaks inside a letter.
 */
const MARKS_MAX = 8;
const PILE = new RegExp(`(\\p{M}{${MARKS_MAX}})\\p{M}+`, "gu");

/** The text with what is too much of a pile replaced by an ellipsis. */
export function levelled(text: string): string {
  return text.replace(PILE, "$1…");
}
