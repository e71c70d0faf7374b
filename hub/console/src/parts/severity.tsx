/**
 * Severity by shape, text and colour. The colours are those of the national early-warning levels: red,
 * orange, yellow, blue. The shapes differ in outline, so that they can be told apart without colour.
 */
import type { Severity } from "../data/types";
import { t } from "../i18n";
import { SHAPES, SIGNS } from "./severity-shapes";

export function SeverityShape({ severity }: { severity: Severity }) {
  return (
    <svg class={`shape shape-${severity}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path class="shape-body" d={SHAPES[severity]} />
      {SIGNS[severity].map((sign) => (
        <path key={sign} class="shape-sign" d={sign} />
      ))}
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
