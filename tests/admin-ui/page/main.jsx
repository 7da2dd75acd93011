// The page: fetches the description of what its address names, draws the form, and has what comes of it judged.

import { useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { SetUpForm } from "./form.jsx";
import { itemsByKey, startingData, toSave } from "./items.js";
import { place, stepsOf } from "./problems.js";

function Page({ description, judge }) {
  const items = useMemo(() => itemsByKey(description), [description]);
  const [data, setData] = useState(() => startingData(description));
  const [verdict, setVerdict] = useState(null);

  async function submit() {
    const found = await judge(toSave(description, data));
    setVerdict({ ...found, ...place(found.problems, description, items, data) });
  }

  return (
    <>
      <header>
        <img src={description.logo} alt="" width="48" height="48" />
        <h1>{description.name.en}</h1>
        <p>{description.description.en}</p>
      </header>
      <SetUpForm description={description} data={data} onChange={setData} errors={verdict?.errors} onSubmit={submit} />
      <div role="status">{verdict && <Verdict verdict={verdict} items={items} />}</div>
    </>
  );
}

function Verdict({ verdict, items }) {
  const name = (pointer) => items.get(stepsOf(pointer).join("."))?.label ?? pointer;
  const line = ({ pointer, message }) => <li key={pointer + message}><b>{name(pointer)}</b>: {message}</li>;
  const lines = (list) => list.map(line);
  return (
    <section className={verdict.valid ? "valid" : "invalid"}>
      <h2>{verdict.valid ? "The configuration is valid." : `Problems: ${verdict.problems.length}`}</h2>
      <ul>{lines(verdict.elsewhere)}</ul>
      {verdict.warnings.length > 0 && <h3>Worth knowing</h3>}
      <ul>{lines(verdict.warnings)}</ul>
    </section>
  );
}

async function json(response) {
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return response.json();
}

const which = location.pathname.split("/").pop();
const post = (body) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

fetch(`/description/${which}`).then(json).then((description) => {
  const judge = (configuration) => fetch(`/validation/${which}`, post(configuration)).then(json);
  document.title = `Set up ${description.name.en}`;
  createRoot(document.getElementById("page")).render(<Page description={description} judge={judge} />);
});
