/** When things are drawn: what is in sight first. */

/** Runs when the next frame is on the screen. */
export function afterPaint(work: () => void): void {
  requestAnimationFrame(() => setTimeout(work));
}

/** Whether a part of the page is in the window; taken to be, until the browser has said. */
export function sightOf(parts: readonly Element[]): (part: Element) => boolean {
  const away = new Set<Element>();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) away.delete(target);
      else away.add(target);
    }
  });
  for (const part of parts) observer.observe(part);
  return (part) => !away.has(part);
}
