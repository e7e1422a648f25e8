"""Makes the library of models: fetches the catalogues, converts their models, and shows what came of them."""
