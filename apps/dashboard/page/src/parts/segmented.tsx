import { Icon, type IconName } from "./icon.tsx";

interface Choice<T extends string> {
  value: T;
  label: string;
  icon?: IconName;
}

interface SegmentedProps<T extends string> {
  label: string;
  choices: readonly Choice<T>[];
  chosen: T | undefined;
  onChoose(value: T): void;
}

/** One of a few, as a row of buttons. */
export function Segmented<T extends string>({
  label,
  choices,
  chosen,
  onChoose,
}: SegmentedProps<T>) {
  return (
    <div class="segmented" role="group" aria-label={label}>
      {choices.map(({ value, label: text, icon }) => (
        <button
          key={value}
          type="button"
          aria-pressed={chosen === value}
          onClick={() => onChoose(value)}
        >
          {icon && <Icon name={icon} />}
          {text}
        </button>
      ))}
    </div>
  );
}
