/**
 * Text from devices and people, shown only as text and kept apart from the text around it: a name with
 * right-to-left marks must not turn the line it stands in, nor a pile of marks cover the lines around.
 */
import { levelled } from "../logic/marks";

export function Said({ children, class: name }: { children: string; class?: string }) {
  return <bdi class={name === undefined ? "said" : `said ${name}`}>{levelled(children)}</bdi>;
}
