import { useEffect, useState } from "react";
import { type OtherUser, signInByLink } from "../embedding/sign_in_by_link";
import { Logo } from "../ui/components/brand";
import { OtherUserQuestion, StayButton } from "../ui/sign_in/other_user";
import type { AdminApi } from "./admin_api";
import { texts } from "./texts";

interface Props {
  api: AdminApi;
  token: string;
  /** Called when it is clear who uses the console. `problem`: why the token was refused; empty otherwise. */
  onOver: (problem: string) => void;
}

/** Signs in with the token of a link. Asks first where another user is signed in. */
export function SignInByLink({ api, token, onOver }: Props) {
  const [question, setQuestion] = useState<OtherUser | null>(null);
  const [problem, setProblem] = useState("");
  // biome-ignore lint/correctness/useExhaustiveDependencies: one attempt for each token
  useEffect(() => {
    signInByLink(api, token).then(
      (outcome) => ("offered" in outcome ? setQuestion(outcome) : onOver("")),
      (error: Error) => (api.session === null ? onOver(error.message) : setProblem(error.message)),
    );
  }, [api, token]);
  const stay = (): void => onOver("");
  const current = api.session?.user;
  return (
    <main className="admin-entrance">
      <Logo size={48} />
      {question !== null ? (
        <OtherUserQuestion
          {...question}
          onContinue={() => void api.startByToken(question.offered).then(() => onOver(""))}
          onStay={stay}
        />
      ) : problem !== "" && current !== undefined ? (
        <>
          <p role="alert">{problem}</p>
          <p>{texts.signedInAs(current.name)}</p>
          <StayButton name={current.name} onStay={stay} />
        </>
      ) : (
        <p role="status">{texts.signIn.checking}</p>
      )}
    </main>
  );
}
