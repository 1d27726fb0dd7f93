/**
 * Fields whose name says that a form is saved with them. Radio buttons take effect at once or choose a form, and browsers
 * fill in passwords.
 */
const SAVED_FIELDS = ':is(input[name]:not([type="radio"], [type="password"]), textarea[name], select[name])';

/**
 * Whether a field of a form in an element has another value than the form was shown with.
 *
 * For a field with React's `value`, both are always the same.
 */
export function hasChangedField(element: Element | null): boolean {
  const fields = element?.querySelectorAll<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>(
    `form ${SAVED_FIELDS}`,
  );
  return [...(fields ?? [])].some(isChanged);
}

/** Gives the fields of all forms in an element the values that they were shown with. */
export function discardFields(element: Element | null): void {
  for (const form of element?.querySelectorAll("form") ?? []) form.reset();
}

function isChanged(field: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement): boolean {
  if (field instanceof HTMLSelectElement)
    return [...field.options].some(({ selected, defaultSelected }) => defaultSelected && !selected);
  if (field instanceof HTMLInputElement && field.type === "checkbox") return field.checked !== field.defaultChecked;
  return field.value !== field.defaultValue;
}

/** Returns the members of `after` whose value is another one than in `before`. */
export function changesFrom<Values extends object>(before: Values, after: Values): Partial<Values> {
  const isOther = ([name, value]: [string, unknown]): boolean => value !== before[name as keyof Values];
  return Object.fromEntries(Object.entries(after).filter(isOther)) as Partial<Values>;
}
