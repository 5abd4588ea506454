interface FilterFieldProps {
  label: string;
  value: string;
  onChange(value: string): void;
}

/** A search field that filters what is on the page. */
export function FilterField({ label, value, onChange }: FilterFieldProps) {
  return (
    <input
      class="filter-field"
      type="search"
      placeholder={label}
      aria-label={label}
      value={value}
      spellcheck={false}
      autocomplete="off"
      onInput={(event) => onChange(event.currentTarget.value)}
    />
  );
}
