/**
 * Shows what the reader chose of the trajectory charts: metrics, token axis, SAEs. Every chart is in the page already,
 * drawn on both axes; this only hides. Without a script the page's own choice stands there on the logarithmic axis. The choice
 * lives in the address, so that it can be linked to: ?metric=loss&axis=linear&without=<record>.
 */
const form = document.querySelector<HTMLFormElement>('#trajectory-view');

if (form !== null) {
  // Boxes beside the lines' names belong to the form too, wherever they stand.
  const inputs = [...form.elements].filter((element) => element instanceof HTMLInputElement);
  const named = (name: string): HTMLInputElement[] => inputs.filter((input) => input.name === name);
  const ticked = (name: string): string[] =>
    named(name).flatMap((input) => (input.checked ? [input.value] : []));

  const readAddress = (): void => {
    const asked = new URLSearchParams(location.search);
    const metrics = asked
      .getAll('metric')
      .filter((key) => named('metric').some(({ value }) => value === key));
    for (const input of named('metric'))
      input.checked = metrics.length === 0 ? input.defaultChecked : metrics.includes(input.value);
    for (const input of named('axis')) input.checked = input.value === (asked.get('axis') ?? 'log');
    if (ticked('axis').length === 0) named('axis')[0]?.click();
    for (const input of named('sae')) input.checked = !asked.getAll('without').includes(input.value);
  };

  const writeAddress = (): void => {
    const url = new URL(location.href);
    for (const name of ['metric', 'axis', 'without']) url.searchParams.delete(name);
    if (named('metric').some((input) => input.checked !== input.defaultChecked))
      for (const key of ticked('metric')) url.searchParams.append('metric', key);
    if (ticked('axis').includes('linear')) url.searchParams.append('axis', 'linear');
    for (const input of named('sae')) if (!input.checked) url.searchParams.append('without', input.value);
    history.replaceState(null, '', url);
  };

  const hide = (name: string): void => {
    const left = new Set(named(name).flatMap((input) => (input.checked ? [] : [input.value])));
    for (const element of document.querySelectorAll(`[data-${name}]`))
      element.toggleAttribute('hidden', left.has(element.getAttribute(`data-${name}`) ?? ''));
  };

  const apply = (): void => {
    for (const name of ['metric', 'axis', 'sae']) hide(name);
    const status = form.querySelector('[role="status"]');
    const count = ticked('metric').length;
    if (status) status.textContent = `${count} of ${named('metric').length} charts shown`;
  };

  readAddress();
  apply();
  document.addEventListener('change', ({ target }) => {
    if (!(target instanceof HTMLInputElement) || target.form !== form) return;
    apply();
    writeAddress();
  });
}
