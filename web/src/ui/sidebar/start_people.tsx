import { Plus } from "lucide-react";
import { useState } from "react";
import { texts } from "../../texts";
import { useChat } from "../page/chat_context";
import { goTo } from "../page/page_address";
import { AvatarWithPresence } from "../people/avatar_with_presence";
import type { KnownPerson } from "../people/use_people";
import "./start_people.css";

interface Props {
  people: readonly KnownPerson[];
  /** Called when the reader wants to find somebody else. */
  onFind: () => void;
}

/** A few people to whom a user without conversations can write. */
export function StartPeople({ people, onFind }: Props) {
  const { people: others } = useChat();
  const [problem, setProblem] = useState("");
  const talk = (id: string): void => {
    setProblem("");
    others.openDirect(id).then(goTo, (error: Error) => setProblem(error.message));
  };
  return (
    <section className="start-people" aria-label={texts.places.starts.direct}>
      <div className="start-faces">
        {people.map(({ id, name, avatar }) => (
          <button key={id} type="button" aria-label={texts.messageTo(name)} onClick={() => talk(id)}>
            <AvatarWithPresence userId={id} name={name} picture={avatar} />
            <bdi>{name}</bdi>
          </button>
        ))}
      </div>
      <button type="button" className="primary" onClick={onFind}>
        <Plus className="icon" aria-hidden="true" /> {texts.places.startOne}
      </button>
      <p className="problem" role="alert">
        {problem}
      </p>
    </section>
  );
}
