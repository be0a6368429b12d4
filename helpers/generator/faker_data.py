"""Word lists of the generator's helpers, locale en; made for this suite."""


def _words(text: str) -> list[str]:
    return text.split()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


FIRST_NAMES = _words(
    """Ada Agnes Aiko Alan Alba Amara Amir Anders Anna Arlo Asha Astrid Beatrix Ben Bianca Bruno Callum Carmen
    Cecil Clara Cleo Dalia Dana Darius David Dora Edith Elena Elias Ella Emil Emma Enzo Esther Eva Farah
    Felix Fiona Flora Frida Gita Grace Greta Gus Hana Hanna Hector Helen Henrik Hugo Ida Imani Ines Ingrid
    Iris Isaac Ivan Jada James Jana Jonas Juan Judith Julia Kaito Karin Kemal Kofi Lara Laura Leah Leila Leo
    Lena Lin Linus Louis Lucia Luka Mabel Magnus Maja Marco Maria Mateo Maya Mei Mila Milo Mina Mona Nadia
    Naomi Nell Nico Nina Noah Nora Olga Oliver Omar Oscar Otto Paula Pavel Pedro Petra Priya Quinn Rafael
    Ravi Rina Rosa Ruby Ruth Sami Sara Sasha Selma Simon Sofia Stella Sven Tara Tessa Theo Tomas Uma Ursula
    Vera Victor Viola Walter Wanda Wei Yara Yusuf Zara Zoe"""
)
LAST_NAMES = _words(
    """Abara Acosta Adler Alvarez Andersen Arslan Baker Banerjee Barros Bauer Becker Bell Berg Blom Bose Brandt
    Brooks Cabral Carver Castillo Chan Chen Cohen Costa Dahl Das Delgado Diaz Doyle Dubois Duarte Egan
    Eriksen Evans Farkas Fischer Fleming Forster Fuchs Fujita Garcia Gill Gomez Graf Grant Gupta Haas Hagen
    Hall Hansen Harper Hayes Hoang Holm Horvat Hughes Ibrahim Ito Ivanov Jansen Jensen Joshi Kato Kaya
    Keller Khan Kim Klein Kovacs Kumar Lang Larsen Lee Lind Lopez Lund Mason Mehta Meyer Miller Mori Moreau
    Moreno Mwangi Nagy Nakamura Novak Ndiaye O'Brien O'Neill Okafor Olsen Ortega Osei Park Patel Pereira
    Petrov Porter Quist Rahman Ramos Reyes Ricci Rossi Roth Ryan Sato Schmidt Silva Singh Sousa Stein Suzuki
    Tanaka Taylor Torres Tran Turner Ueda Vance Vargas Vega Wagner Walsh Weber Wong Wright Yilmaz Young
    Zhang"""
)
NAME_PREFIXES = ["Mr.", "Mrs.", "Ms.", "Miss", "Dr."]
NAME_SUFFIXES = ["Jr.", "Sr.", "I", "II", "III", "IV", "V", "MD", "DDS", "PhD", "DVM"]
JOB_DESCRIPTORS = _words(
    """Lead Senior Junior Principal Regional Global Chief Assistant Deputy National Internal Staff Associate Head"""
)
JOB_AREAS = _words(
    """Data Security Sales Research Quality Product Platform Network Logistics Marketing Finance Support Design
    Operations Training Accounts"""
)
JOB_TYPES = _words(
    """Engineer Analyst Manager Planner Architect Consultant Coordinator Designer Developer Officer Specialist
    Technician Administrator Director"""
)

CITY_PREFIXES = _words("North East South West New Old Upper Lower Port Lake")
CITY_SUFFIXES = _words("""town ville field ford bridge haven port mouth wick stead dale side burgh land""")
STREET_SUFFIXES = _words(
    """Avenue Street Road Lane Drive Court Place Square Terrace Way Row Gardens Crescent Boulevard Path Hill Walk
    Close Parkway Plaza"""
)
COUNTIES = _words("""Cheshire Cornwall Devon Dorset Essex Kent Norfolk Suffolk Surrey Sussex""")
COUNTRIES = _lines(
    """Argentina
    Australia
    Austria
    Bangladesh
    Belgium
    Brazil
    Canada
    Chile
    China
    Colombia
    Croatia
    Czechia
    Denmark
    Egypt
    Estonia
    Ethiopia
    Finland
    France
    Germany
    Ghana
    Greece
    Hungary
    Iceland
    India
    Indonesia
    Ireland
    Israel
    Italy
    Jamaica
    Japan
    Jordan
    Kenya
    Latvia
    Lithuania
    Malaysia
    Mexico
    Morocco
    Nepal
    Netherlands
    New Zealand
    Nigeria
    Norway
    Pakistan
    Peru
    Philippines
    Poland
    Portugal
    Romania
    Rwanda
    Senegal
    Singapore
    Slovakia
    South Africa
    South Korea
    Spain
    Sri Lanka
    Sweden
    Switzerland
    Tanzania
    Thailand
    Tunisia
    Turkey
    Ukraine
    United Kingdom
    United States of America
    Uruguay
    Vietnam"""
)
COUNTRY_CODES = _words(
    """AR AU AT BD BE BR CA CL CN CO HR CZ DK EG EE ET FI FR DE GH GR HU IS IN ID IE IL IT JM JP JO KE LV LT MY MX
    MA NP NL NZ NG NO PK PE PH PL PT RO RW SN SG SK ZA KR ES LK SE CH TZ TH TN TR UA GB US UY VN"""
)
STATES = _lines(
    """Alabama
    Alaska
    Arizona
    Arkansas
    California
    Colorado
    Connecticut
    Delaware
    Florida
    Georgia
    Hawaii
    Idaho
    Illinois
    Indiana
    Iowa
    Kansas
    Kentucky
    Louisiana
    Maine
    Maryland
    Massachusetts
    Michigan
    Minnesota
    Mississippi
    Missouri
    Montana
    Nebraska
    Nevada
    New Hampshire
    New Jersey
    New Mexico
    New York
    North Carolina
    North Dakota
    Ohio
    Oklahoma
    Oregon
    Pennsylvania
    Rhode Island
    South Carolina
    South Dakota
    Tennessee
    Texas
    Utah
    Vermont
    Virginia
    Washington
    West Virginia
    Wisconsin
    Wyoming"""
)
STATE_CODES = _words(
    """AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK
    OR PA RI SC SD TN TX UT VT VA WA WV WI WY"""
)
POSTCODE_FORMATS = ["#####", "#####-####"]
SECONDARY_ADDRESS_FORMATS = ["Apt. ###", "Suite ###"]
_PHONE_NUMBERS = ["###-###-####", "(###) ###-####", "1-###-###-####", "###.###.####"]
_EXTENSIONS = ["", "", " x###", " x####", " x#####"]  # without an extension twice: two formats in five
PHONE_FORMATS = [number + extension for extension in _EXTENSIONS for number in _PHONE_NUMBERS]

FREE_EMAIL_DOMAINS = ["gmail.com", "yahoo.com", "hotmail.com"]
EXAMPLE_EMAIL_DOMAINS = ["example.org", "example.com", "example.net"]
DOMAIN_SUFFIXES = ["com", "biz", "info", "name", "net", "org"]
AVATARS = [f"https://avatars.example.com/{name.lower()}/128.jpg" for name in FIRST_NAMES]
IMAGE_CATEGORIES = _words(
    """abstract animals business cats city food nightlife fashion people nature sports technics transport"""
)

COLORS = _words(
    """red green blue yellow orange purple pink brown black white grey teal turquoise olive maroon navy silver gold
    ivory lime violet azure coral"""
)
DEPARTMENTS = _words(
    """Books Music Games Garden Kitchen Tools Toys Sports Shoes Clothing Jewelry Health Beauty Outdoors Computers
    Grocery Baby"""
)
PRODUCT_ADJECTIVES = _words(
    """Small Sturdy Quiet Handy Light Simple Bright Clever Modern Classic Solid Fine Practical Rustic Smart Soft"""
)
PRODUCT_MATERIALS = _words(
    """Steel Oak Glass Cotton Granite Rubber Bamboo Copper Leather Linen Paper Ceramic Plastic Wool"""
)
PRODUCTS = _words(
    """Chair Lamp Table Keyboard Bicycle Kettle Hat Shirt Gloves Ball Towel Mouse Bag Clock Umbrella Bench Bottle
    Mirror Scarf"""
)
COMPANY_SUFFIXES = ["Inc", "and Sons", "LLC", "Group"]
CATCH_PHRASE_ADJECTIVES = _words(
    """Adaptive Balanced Configurable Distributed Enhanced Flexible Integrated Managed Open Optional Phased Reduced
    Robust Shared Stable Visionary"""
)
CATCH_PHRASE_DESCRIPTORS = _words(
    """asynchronous client-side composite dedicated event-driven fault-tolerant global hybrid incremental modular
    real-time stateless systematic"""
)
CATCH_PHRASE_NOUNS = _words(
    """ability adapter archive benchmark capacity concept database forecast framework gateway hub interface matrix
    model protocol toolset"""
)
BS_ADJECTIVES = _words(
    """scalable seamless robust global innovative dynamic open-source intuitive cross-media strategic compelling
    granular agile"""
)
BS_VERBS = _words(
    """streamline deliver deploy harness orchestrate optimize scale simplify unlock automate redefine monetize
    visualize integrate"""
)
BS_NOUNS = _words(
    """pipelines platforms markets channels services insights experiences systems networks solutions communities
    metrics portals"""
)

ACCOUNT_TYPES = [
    "Checking",
    "Savings",
    "Investment",
    "Home Loan",
    "Credit Card",
    "Auto Loan",
    "Personal Loan",
    "Business",
]
TRANSACTION_TYPES = ["deposit", "withdrawal", "payment", "invoice"]
# name: (ISO 4217 code, symbol)
CURRENCIES = {
    "Australian Dollar": ("AUD", "$"),
    "Brazilian Real": ("BRL", "R$"),
    "Canadian Dollar": ("CAD", "$"),
    "Czech Koruna": ("CZK", "Kč"),
    "Danish Krone": ("DKK", "kr"),
    "Euro": ("EUR", "€"),
    "Hong Kong Dollar": ("HKD", "$"),
    "Hungarian Forint": ("HUF", "Ft"),
    "Indian Rupee": ("INR", "₹"),
    "Indonesian Rupiah": ("IDR", "Rp"),
    "Israeli New Shekel": ("ILS", "₪"),
    "Kenyan Shilling": ("KES", "KSh"),
    "Mexican Peso": ("MXN", "$"),
    "Moroccan Dirham": ("MAD", "DH"),
    "New Zealand Dollar": ("NZD", "$"),
    "Nigerian Naira": ("NGN", "₦"),
    "Norwegian Krone": ("NOK", "kr"),
    "Peruvian Sol": ("PEN", "S/"),
    "Philippine Peso": ("PHP", "₱"),
    "Polish Zloty": ("PLN", "zł"),
    "Pound Sterling": ("GBP", "£"),
    "Singapore Dollar": ("SGD", "$"),
    "South African Rand": ("ZAR", "R"),
    "South Korean Won": ("KRW", "₩"),
    "Swedish Krona": ("SEK", "kr"),
    "Swiss Franc": ("CHF", "CHF"),
    "Thai Baht": ("THB", "฿"),
    "Turkish Lira": ("TRY", "₺"),
    "US Dollar": ("USD", "$"),
    "Vietnamese Dong": ("VND", "₫"),
    "Yen": ("JPY", "¥"),
    "Yuan Renminbi": ("CNY", "¥"),
}

HACKER_ABBREVIATIONS = _words(
    """API ARM CPU CSV DNS EXE FTP GPU GUI HTTP JSON LAN PNG RAM SDK SMS SQL SSD SSL TCP UDP USB XML YAML"""
)
HACKER_ADJECTIVES = _words(
    """auxiliary back-end cross-platform digital encrypted haptic idle mobile neural open-source optical remote
    virtual wireless"""
)
HACKER_NOUNS = _words(
    """alarm array bandwidth bus cache card driver feed firewall interface kernel matrix monitor panel port program
    sensor system"""
)
HACKER_VERBS = _words(
    """bypass calculate compile compress connect copy debug hack index input navigate override parse quantify
    reboot synthesize"""
)
HACKER_INGVERBS = _words(
    """bypassing calculating compiling compressing connecting copying debugging hacking indexing navigating parsing
    rebooting"""
)
HACKER_PHRASES = [
    "First {verb} the {noun}, and the {abbreviation} {noun} will follow the {adjective} one!",
    "Nobody can {verb} the {adjective} {noun} without {ingverb} the {abbreviation} {noun}!",
    "{ingverb} the {noun} is not enough, we must {verb} the {adjective} {abbreviation} {noun}!",
    "The {abbreviation} {noun} stopped, so {verb} the {adjective} {noun} before it restarts!",
    "I shall {verb} the {adjective} {abbreviation} {noun}, that should help the {noun}!",
    "Please {verb} the {noun}, then the {adjective} {noun} can {verb} the {abbreviation} {noun}!",
]

LOREM_WORDS = _words(
    """lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore
    magna aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo
    consequat duis aute irure in reprehenderit voluptate velit esse cillum eu fugiat nulla pariatur
    excepteur sint occaecat cupidatat non proident sunt culpa qui officia deserunt mollit anim id est
    laborum"""
)

# MIME type: file extensions
MIME_TYPES = {
    "application/gzip": ["gz"],
    "application/javascript": ["js"],
    "application/json": ["json"],
    "application/msword": ["doc", "dot"],
    "application/pdf": ["pdf"],
    "application/rtf": ["rtf"],
    "application/vnd.ms-excel": ["xls", "xlt"],
    "application/xml": ["xml", "xsl"],
    "application/zip": ["zip"],
    "audio/midi": ["mid", "midi"],
    "audio/mpeg": ["mp3", "mpga"],
    "audio/ogg": ["oga", "ogg"],
    "audio/wav": ["wav"],
    "font/woff": ["woff"],
    "image/bmp": ["bmp"],
    "image/gif": ["gif"],
    "image/jpeg": ["jpeg", "jpg"],
    "image/png": ["png"],
    "image/svg+xml": ["svg"],
    "image/tiff": ["tif", "tiff"],
    "text/calendar": ["ics"],
    "text/css": ["css"],
    "text/csv": ["csv"],
    "text/html": ["html", "htm"],
    "text/plain": ["txt", "log"],
    "video/mp4": ["mp4", "m4v"],
    "video/mpeg": ["mpeg", "mpg"],
    "video/quicktime": ["mov", "qt"],
    "video/webm": ["webm"],
}
COMMON_MIME_TYPES = [
    "application/pdf",
    "audio/mpeg",
    "audio/wav",
    "image/png",
    "image/jpeg",
    "image/gif",
    "video/mp4",
    "video/mpeg",
    "text/html",
]
COMMON_FILE_TYPES = ["video", "audio", "image", "text", "application"]
# What KDG's random.locale draws from. Only `en` has words here.
LOCALES = _words(
    """de de_AT de_CH en en_AU en_BORK en_CA en_GB en_IE en_IND en_US en_au_ocker es es_MX fa fr fr_CA ge id_ID it
    ja ko nb_NO nep nl pl pt_BR ru sk sv tr uk vi zh_CN zh_TW"""
)
