/**
 * Makes parts of a page ready when they come within two windows of the reader, so that a page of many charts can be used
 * at once. Who walks by keyboard is never farther from the next part.
 */
export function whenNear<Part extends Element>(parts: Iterable<Part>, ready: (part: Part) => void): void {
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        // Each in a task of its own: between two of them the browser answers.
        setTimeout(ready, 0, target as Part);
      }
    },
    { rootMargin: '200% 0px' },
  );
  for (const part of parts) observer.observe(part);
}
