import { type CSSProperties, useEffect } from "react";
import type { MenuAction } from "../components/menu_action";

interface Props {
  actions: readonly MenuAction[];
  onClose: () => void;
}

const COLUMNS_MAX = 4;

/** The actions of a sheet that a long press has opened. Those before the first group are tiles, in even rows. */
export function SheetActions({ actions, onClose }: Props) {
  useEffect(ignoreLiftedFinger, []);
  const firstGroup = Math.max(
    actions.findIndex(({ startsGroup }) => startsGroup),
    0,
  );
  const itemOf = ({ label, icon: Icon, isDangerous, startsGroup, onClick }: MenuAction) => (
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
  );
  return (
    <>
      {firstGroup > 0 && (
        <ul className="sheet-tiles" style={{ "--columns": columnsOf(firstGroup) } as CSSProperties}>
          {actions.slice(0, firstGroup).map(itemOf)}
        </ul>
      )}
      <ul>{actions.slice(firstGroup).map(itemOf)}</ul>
    </>
  );
}

/** Returns how many tiles are in each of as few rows as possible. */
function columnsOf(count: number): number {
  return Math.ceil(count / Math.ceil(count / COLUMNS_MAX));
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
