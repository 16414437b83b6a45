// The explorers of the notebooks, without a kernel: the pictures that the widget draws, made when
// the site was made. tools/site/explorers.py says what a frame is. A page opened from a file may not
// fetch, so frames come as a script, and only when the explorer is about to be seen.
"use strict";

{
  const base = document.currentScript.src;
  const arrived = (window.bnlibExplorers = {}); // name -> what takes the frames, once they are there
  const loading = {};

  const load = (name) =>
    (loading[name] ??= new Promise((resolve, reject) => {
      arrived[name] = resolve;
      const script = document.createElement("script");
      script.src = new URL(`explorers/${name}.js`, base);
      script.onerror = reject;
      document.head.append(script);
    }));

  const make = (tag, properties = {}, ...content) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...content);
    return element;
  };

  const CONTROLS = {
    button: (control, explorer) =>
      make("button", {
        type: "button",
        textContent: control.label,
        onclick: () => explorer.set(control.name, explorer.state[control.name] + control.step),
      }),

    range: (control, explorer) => {
      const output = make("output");
      const input = make("input", { type: "range", min: 0, max: control.values.length - 1 });
      input.oninput = () => explorer.set(control.name, Number(input.value));
      explorer.shows.push((state) => {
        input.value = state[control.name];
        output.textContent = control.values[state[control.name]];
        input.setAttribute("aria-valuetext", output.textContent);
      });
      return make("label", {}, make("span", { textContent: control.label }), input, output);
    },

    radio: (control, explorer) => {
      const group = `${explorer.id}-${control.name}`;
      const choices = control.values.map((value, k) => {
        const input = make("input", { type: "radio", name: group });
        input.onchange = () => explorer.set(control.name, k);
        explorer.shows.push((state) => (input.checked = state[control.name] === k));
        return make("label", {}, input, value);
      });
      return make("fieldset", {}, make("legend", { textContent: control.label }), ...choices);
    },
  };

  let count = 0;

  class Explorer extends HTMLElement {
    connectedCallback() {
      this.id ||= `bnlib-explorer-${(count += 1)}`;
      const seen = new IntersectionObserver(
        ([entry]) => {
          if (!entry.isIntersecting) return;
          seen.disconnect();
          load(this.getAttribute("name")).then((frames) => this.begin(frames));
        },
        { rootMargin: "400px" },
      );
      seen.observe(this);
    }

    begin({ rows, start, pieces, frames }) {
      Object.assign(this, { pieces, frames, shows: [] });
      const places = rows.flat().filter((control) => control.kind !== "button");
      this.sizes = Object.fromEntries(places.map((place) => [place.name, place.values.length]));
      this.start = Object.fromEntries(places.map((place, k) => [place.name, start[k]]));
      const controls = rows.map((row) =>
        make("div", {}, ...row.map((control) => CONTROLS[control.kind](control, this))),
      );
      this.picture = make("div", { className: "bnlib-picture", tabIndex: 0 });
      this.picture.setAttribute("role", "group");
      this.picture.setAttribute("aria-label", "Picture");
      this.said = make("p");
      this.said.setAttribute("role", "status");
      this.replaceChildren(...controls, ...this.note(), this.picture, this.said);
      this.show(this.start);
    }

    note() {
      const all = Object.values(this.sizes).reduce((product, size) => product * size, 1);
      if (Object.keys(this.frames).length === all) return [];
      const text =
        "Here one slider moves at a time: the others go back to where they began. " +
        "In the notebook all move together.";
      return [make("p", { className: "bnlib-note", textContent: text })];
    }

    // Move one control, as far as it goes.
    set(name, place) {
      const value = Math.min(Math.max(place, 0), this.sizes[name] - 1);
      const wanted = { ...this.state, [name]: value };
      this.show(this.key(wanted) in this.frames ? wanted : { ...this.start, [name]: value });
    }

    key(state) {
      return Object.values(state).join();
    }

    show(state) {
      this.state = state;
      const frame = this.frames[this.key(state)];
      this.picture.innerHTML = frame.map((k) => this.pieces[k]).join("");
      this.said.textContent = this.picture.firstChild.getAttribute("aria-label");
      for (const shown of this.shows) shown(state);
    }
  }

  customElements.define("bnlib-explorer", Explorer);
}
