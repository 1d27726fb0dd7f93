import { useEffect } from "react";
import type { MenuAction } from "../components/menu_action";

interface Props {
  actions: readonly MenuAction[];
  /** Whether the first group is a row of tiles. */
  hasTiles?: boolean;
  onClose: () => void;
}

/** The actions of a sheet that a long press has opened. */
export function SheetActions({ actions, hasTiles = false, onClose }: Props) {
  useEffect(ignoreLiftedFinger, []);
  return (
    <ul className={hasTiles ? "sheet-tiles" : undefined}>
      {actions.map(({ label, icon: Icon, isDangerous, startsGroup, onClick }) => (
        <li key={label} className={startsGroup ? "sheet-group" : undefined}>
          <button
            type="button"
            className={isDangerous ? "sheet-action danger" : "sheet-action"}
            onClick={() => {
              // Before the action, which may open another dialog.
              onClose();
              onClick?.();
            }}
          >
            {Icon && <Icon className="icon" aria-hidden="true" />}
            {label}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The sheet may come below the finger that has opened it, whose click is not meant for it. Returns how to end this. */
function ignoreLiftedFinger(): () => void {
  let isPressed = false;
  const press = (): void => {
    isPressed = true;
  };
  const click = (event: MouseEvent): void => {
    // The keyboard clicks without a number.
    if (isPressed || event.detail === 0) return;
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener("pointerdown", press, true);
  addEventListener("click", click, true);
  return () => {
    removeEventListener("pointerdown", press, true);
    removeEventListener("click", click, true);
  };
}
