import { render } from "preact";
import { App } from "./app";
import { startKeys } from "./keys";
import { follow, theme } from "./store";
import "./style.css";

const show = (wanted: string): void => {
  if (wanted === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wanted;
};
show(theme.value);
theme.listen(show);
startKeys();
follow();
render(<App />, document.getElementById("page")!);
