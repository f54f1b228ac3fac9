// Stands in for zarrita, which NiiVue imports and a report never calls.
export default {};
