"""The index of a large dataset: its records in an SQLite file beside ``annotations.json``.

It is made once, and again when ``annotations.json`` has changed. A dataset then opens without reading its records;
memory and time do not grow with their number. SQLite comes with Python, reads single rows by key and scans in order
in constant memory, and many processes can read one file. Arrow and Parquet are made for whole columns: a record by
its id takes them longer, and they are 45 MB to install.
"""
