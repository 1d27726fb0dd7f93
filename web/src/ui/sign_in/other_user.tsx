import type { User } from "@talkwire/client";
import type { OtherUser } from "../../embedding/sign_in_by_link";
import { texts } from "../../texts";

interface Props extends OtherUser {
  onContinue: () => void;
  onStay: () => void;
}

/** Asks whether a link may sign in another user. */
export function OtherUserQuestion({ current, offered, onContinue, onStay }: Props) {
  const name = distinct(current, offered.user);
  const linked = distinct(offered.user, current);
  return (
    <>
      <p role="alert">{texts.byToken.otherUser(name, linked)}</p>
      <button type="button" onClick={onContinue}>
        {texts.byToken.continueAs(linked)}
      </button>
      <StayButton name={name} onStay={onStay} />
    </>
  );
}

/** Continues as the user who is signed in. */
export function StayButton({ name, onStay }: { name: string; onStay: () => void }) {
  return (
    <button type="button" className="primary" onClick={onStay}>
      {texts.byToken.stayAs(name)}
    </button>
  );
}

/** Returns a user's name, with the handle or the id if both users have this name: an attacker chooses their own name. */
function distinct({ id, name, handle }: User, other: User): string {
  return name.toLowerCase() === other.name.toLowerCase() ? `${name} @${handle ?? id}` : name;
}
