/** A link inside the console: changes the page without loading it again, and stays a real link. */
import type { ComponentChildren } from "preact";
import { go } from "../logic/route";

interface Given {
  to: string;
  children: ComponentChildren;
  class?: string;
  current?: boolean;
  id?: string;
}

export function Link({ to, children, class: name, current, id }: Given) {
  return (
    <a
      href={to}
      class={name}
      id={id}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        if (event.defaultPrevented || event.button !== 0) return;
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}
