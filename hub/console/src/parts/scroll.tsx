/** Something wide that scrolls by itself, with the keyboard, too. */
import type { ComponentChildren } from "preact";

export function Scroll({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1)
    <section class="admin-table" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
