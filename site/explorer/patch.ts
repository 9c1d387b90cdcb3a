/** Drawing anew what differs: a node that stays is not styled, laid out and painted again, and keeps the focus. */
import type { Markup } from '../lib/html.ts';

/** Makes the children of an element those of the markup. */
export function patch(element: Element, { text }: Markup): void {
  const template = document.createElement('template');
  template.innerHTML = text;
  patchChildren(element, element.firstChild, null, template.content);
}

/** Makes the children from one to before another those of `next`, which loses some of them. */
export function patchChildren(parent: Node, from: Node | null, to: Node | null, next: ParentNode): void {
  let at = from;
  let child: Node | null = next.firstChild;
  while (child !== null) {
    const following: Node | null = child.nextSibling;
    if (at === to || at === null) parent.insertBefore(child, to);
    else {
      const after: Node | null = at.nextSibling;
      patchNode(at, child);
      at = after;
    }
    child = following;
  }
  while (at !== to && at !== null) {
    const after: Node | null = at.nextSibling;
    parent.removeChild(at);
    at = after;
  }
}

function patchNode(old: Node, next: Node): void {
  if (old.nodeName !== next.nodeName) old.parentNode?.replaceChild(next, old);
  else if (old instanceof Element && next instanceof Element) {
    patchAttributes(old, next);
    patchChildren(old, old.firstChild, null, next);
  } else if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
}

function patchAttributes(old: Element, next: Element): void {
  const names = next.getAttributeNames();
  for (const name of names) {
    const value = next.getAttribute(name)!;
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.attributes.length === names.length) return;
  for (const name of old.getAttributeNames()) if (!next.hasAttribute(name)) old.removeAttribute(name);
}
