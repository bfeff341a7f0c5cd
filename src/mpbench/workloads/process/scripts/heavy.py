"""A script with the imports of a larger program, from the standard library alone."""

import argparse
import asyncio
import concurrent.futures
import decimal
import email.message
import http.client
import json
import logging.handlers
import unittest.mock
import urllib.request
import xml.dom.minidom
import zipfile

__all__ = ("USED",)

USED = (
    argparse,
    asyncio,
    concurrent.futures,
    decimal,
    email.message,
    http.client,
    json,
    logging.handlers,
    unittest.mock,
    urllib.request,
    xml.dom.minidom,
    zipfile,
)
