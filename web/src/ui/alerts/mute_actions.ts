import type { Conversation, MemberPreferences } from "@talkwire/client";
import { Bell, BellOff } from "lucide-react";
import { inMinutes, tomorrowAt } from "../../chat/ends";
import { texts } from "../../texts";
import { endTime } from "../../time_format";
import type { MenuAction } from "../components/menu_action";

type Mute = Pick<MemberPreferences, "muted" | "mutedUntil">;

/** Returns the choices for how long a conversation is muted. */
export function muteChoices(onChoose: (wanted: Mute) => void): MenuAction[] {
  const { hour, hours, tomorrow, always } = texts.places.muteFor;
  const until = (end: Date) => () => onChoose({ muted: true, mutedUntil: end.toISOString() });
  return [
    { label: hour, onClick: until(inMinutes(60)) },
    { label: hours, onClick: until(inMinutes(8 * 60)) },
    { label: tomorrow(endTime(tomorrowAt(8).toISOString())), onClick: until(tomorrowAt(8)) },
    { label: always, onClick: () => onChoose({ muted: true, mutedUntil: null }) },
  ];
}

/** Returns the item of a menu that mutes a conversation or ends its mute. */
export function muteAction({ muted }: Conversation, onChoose: (wanted: Mute) => void): MenuAction {
  if (!muted) return { label: texts.places.mute, icon: BellOff, choices: () => muteChoices(onChoose) };
  return { label: texts.places.unmute, icon: Bell, onClick: () => onChoose({ muted: false, mutedUntil: null }) };
}

/** Returns that a conversation is muted, and until when. */
export function mutedText({ mutedUntil }: Pick<Conversation, "mutedUntil"> | Mute): string {
  return mutedUntil === undefined || mutedUntil === null
    ? texts.places.muted
    : texts.places.ownMuteUntil(endTime(mutedUntil));
}
