/**
 * Severity by shape, text and colour. The colours are those of the national early-warning levels: red,
 * orange, yellow, blue. The shapes differ in outline, so that they can be told apart without colour.
 */
import type { Severity } from "../data/types";
import { t } from "../i18n";

const SHAPES: Record<Severity, string> = {
  // Octagon, triangle, diamond, circle.
  P1: "M7.5 1.5h9l6 6v9l-6 6h-9l-6-6v-9z",
  P2: "M12 1.8 23 21.5H1z",
  P3: "M12 1 23 12 12 23 1 12z",
  P4: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20z",
};

export function SeverityShape({ severity }: { severity: Severity }) {
  return (
    <svg class={`shape shape-${severity}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path class="shape-body" d={SHAPES[severity]} />
      {severity === "P1" && <path class="shape-sign" d="M10.7 6h2.6v8h-2.6zM10.7 15.6h2.6v2.6h-2.6z" />}
      {severity === "P2" && <path class="shape-sign" d="M11 9h2v6h-2zM11 16.4h2v2h-2z" />}
    </svg>
  );
}

/** The shape with its words: `特急 P1`. */
export function SeverityBadge({ severity }: { severity: Severity }) {
  return (
    <span class={`severity severity-${severity}`}>
      <SeverityShape severity={severity} />
      <span class="severity-name">{t.value.severity[severity]}</span>
      <span class="severity-code">{severity}</span>
    </span>
  );
}
