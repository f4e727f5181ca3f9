"""One small file of every format, as a counterparty would send it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bo_lib import feeds
from bo_lib.feeds.mapping import Mapping as FileMapping

MT940 = """{1:F01ALPNLULLAXXX0000000000}{2:I940HARBLULLXXXXN}{4:
:20:ALP-20260601-01
:25:ALP-100200-978
:28C:101/1
:60F:C260529EUR1000,00
:61:2606010601D100,00NTRFUC260528-0001//ALP77
PURCHASE OF SHARES
:86:SETTLEMENT OF UC260528-0001
ASML HOLDING
:61:2606010601C50,25NDIVDV-1//ALP78
:86:DIVIDEND
:61:2606010601RC10,00NMSCNONREF//ALP79
:86:CREDIT TAKEN BACK
:61:2606020601RD5,NMSCNONREF
:62F:C260601EUR945,25
:64:C260601EUR945,25
-}
"""

MT942 = """:20:INTRADAY1
:25:ALP-100200-978
:28C:5/1
:34F:EURD5,
:13D:2606011330+0200
:61:2606010601C1500,00NTRFE2E-42//BK1
:86:RECEIPT
:61:2606010601D200,50NDDTNONREF
:90D:1EUR200,50
:90C:1EUR1500,00
"""

MT535 = """{1:F01ALPNLULLAXXX0000000000}{2:I535HARBLULLXXXXN}{4:
:16R:GENL
:28E:1/ONLY
:13A::STAT//101
:20C::SEME//ALP535-1
:23G:NEWM
:98A::STAT//20260601
:22F::STBA//SETT
:97A::SAFE//ALP-100200
:17B::ACTI//Y
:16S:GENL
:16R:SUBSAFE
:16R:FIN
:35B:ISIN NL0010273215
ASML HOLDING
:90B::MRKT//ACTU/EUR812,5
:93B::AGGR//UNIT/1200,
:16R:SUBBAL
:93B::AGGR//UNIT/999,
:16S:SUBBAL
:19A::HOLD//EUR975000,
:16S:FIN
:16R:FIN
:35B:/US/912828YY0
UST 1.75 2029
:90A::MRKT//PRCT/98,25
:93B::AGGR//FAMT/N100000,
:19A::HOLD//NUSD98250,
:19A::ACRU//NUSD120,5
:16S:FIN
:16S:SUBSAFE
-}
"""

MT54X = """{1:F01ALPNLULLAXXX0000000000}{2:I545HARBLULLXXXXN}{4:
:16R:GENL
:20C::SEME//ALP545-1
:23G:NEWM
:98A::PREP//20260601
:16R:LINK
:20C::RELA//UC260528-0001
:16S:LINK
:16S:GENL
:16R:TRADDET
:98A::TRAD//20260528
:98A::SETT//20260601
:98A::ESET//20260601
:35B:ISIN NL0010273215
:16S:TRADDET
:16R:FIAC
:36B::ESTT//UNIT/100,
:97A::SAFE//ALP-100200
:16S:FIAC
:16R:SETDET
:16R:AMT
:19A::ESTT//EUR81300,5
:16S:AMT
:16S:SETDET
-}
{1:F01ALPNLULLAXXX0000000000}{2:I548HARBLULLXXXXN}{4:
:16R:GENL
:20C::SEME//ALP548-1
:23G:INST
:98A::PREP//20260601
:16R:LINK
:20C::RELA//UC260528-0002
:16S:LINK
:16R:STAT
:25D::SETT//PENF
:16R:REAS
:24B::PENF//LACK
:70D::REAS//LACK OF SECURITIES
:16S:REAS
:16S:STAT
:16S:GENL
:16R:SETTRAN
:35B:ISIN US0378331005
:36B::SETT//UNIT/50,
:97A::SAFE//ALP-100200
:22H::REDE//DELI
:98A::SETT//20260601
:19A::SETT//USD9000,
:16S:SETTRAN
-}
"""

MT564 = """{1:F01VENBUS33AXXX0000000000}{2:I564HARBLULLXXXXN}{4:
:16R:GENL
:20C::CORP//CA2026-77
:20C::SEME//VB-1
:23G:NEWM
:22F::CAEV//RHDI
:22F::CAMV//CHOS
:98A::PREP//20260601
:16S:GENL
:16R:USECU
:35B:ISIN NL0010273215
:16R:ACCTINFO
:97A::SAFE//ALP-100200
:93B::ELIG//UNIT/1200,
:16S:ACCTINFO
:16S:USECU
:16R:CADETL
:98A::ANOU//20260601
:98A::XDTE//20260610
:98A::RDTE//20260611
:16S:CADETL
:16R:CAOPTN
:13A::CAON//001
:22F::CAOP//EXER
:17B::DFLT//N
:98A::RDDT//20260620
:90B::PRPP//ACTU/EUR40,
:16R:SECMOVE
:22H::CRDB//CRED
:35B:ISIN US0378331005
:92D::ADEX//1,/4,
:98A::PAYD//20260625
:16S:SECMOVE
:16R:CASHMOVE
:22H::CRDB//DEBT
:98A::PAYD//20260626
:16S:CASHMOVE
:16S:CAOPTN
:16R:CAOPTN
:13A::CAON//002
:22F::CAOP//CASH
:17B::DFLT//Y
:16R:CASHMOVE
:22H::CRDB//CRED
:98B::PAYD//UKWN
:92F::GRSS//EUR0,24
:92A::TAXR//15,
:16S:CASHMOVE
:16S:CAOPTN
-}
"""

CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
 <Stmt><Id>S1</Id><ElctrncSeqNb>101</ElctrncSeqNb><Acct><Id><Othr><Id>BOR-1</Id></Othr></Id><Ccy>EUR</Ccy></Acct>
  <Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-05-29</Dt>
   </Dt></Bal>
  <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">20.12345</Amt><CdtDbtInd>DBIT</CdtDbtInd>
   <Dt><DtTm>2026-06-01T18:00:00+02:00</DtTm></Dt></Bal>
  <Ntry><NtryRef>N1</NtryRef><Amt Ccy="EUR">120.12345</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd><Sts><Cd>BOOK</Cd>
   </Sts>
   <BookgDt><DtTm>2026-06-01T13:15:00+02:00</DtTm></BookgDt><ValDt><Dt>2026-06-02</Dt></ValDt><AcctSvcrRef>B-9</AcctSvcrRef>
   <BkTxCd><Domn><Cd>SECU</Cd><Fmly><Cd>SETT</Cd><SubFmlyCd>TRAD</SubFmlyCd></Fmly></Domn></BkTxCd>
   <NtryDtls><TxDtls><Refs><EndToEndId>BD260601-0001</EndToEndId></Refs><RmtInf><Ustrd>Bond bought</Ustrd></RmtInf></TxDtls>
   </NtryDtls></Ntry>
  <Ntry><Amt Ccy="EUR">7.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>PDNG</Cd></Sts></Ntry>
 </Stmt></BkToCstmrStmt></Document>
"""

SEMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:semt.002.001.11"><SctiesBalCtdyRpt>
 <Pgntn><PgNb>1</PgNb><LastPgInd>true</LastPgInd></Pgntn>
 <StmtGnlDtls><StmtId>101</StmtId><StmtDtTm><Dt>2026-06-01</Dt></StmtDtTm><Frqcy><Cd>DAIL</Cd></Frqcy><UpdTp><Cd>COMP</Cd></UpdTp>
  <StmtBsis><Cd>SETT</Cd></StmtBsis><ActvtyInd>true</ActvtyInd><SubAcctInd>false</SubAcctInd></StmtGnlDtls>
 <SfkpgAcct><Id>BOR-1</Id></SfkpgAcct>
 <BalForAcct><FinInstrmId><ISIN>US0378331005</ISIN><Desc>APPLE</Desc></FinInstrmId>
  <AggtBal><ShrtLngInd>SHOR</ShrtLngInd><Qty><Qty><Qty><Unit>500</Unit></Qty></Qty></Qty></AggtBal>
  <PricDtls><Tp><Cd>MRKT</Cd></Tp><Val><Amt Ccy="USD">190.5</Amt></Val><ValTp><ValTp>PARV</ValTp></ValTp></PricDtls>
  <InstrmCcyAmts><HldgVal><Amt Ccy="USD">95250.00</Amt><Sgn>false</Sgn></HldgVal></InstrmCcyAmts></BalForAcct>
 <BalForAcct><FinInstrmId><OthrId><Id>912828YY0</Id><Tp><Cd>CUSP</Cd></Tp></OthrId></FinInstrmId>
  <AggtBal><ShrtLngInd>LONG</ShrtLngInd><Qty><Qty><Qty><FaceAmt>100000</FaceAmt></Qty></Qty></Qty></AggtBal>
  <PricDtls><Tp><Cd>MRKT</Cd></Tp><Val><Rate>98.25</Rate></Val><ValTp><ValTp>PARV</ValTp></ValTp></PricDtls>
  <InstrmCcyAmts><HldgVal><Amt Ccy="USD">98250.00</Amt><Sgn>true</Sgn></HldgVal>
   <AcrdIntrstAmt><Amt Ccy="USD">120.50</Amt><Sgn>true</Sgn></AcrdIntrstAmt></InstrmCcyAmts></BalForAcct>
</SctiesBalCtdyRpt></Document>
"""

NPORT = """
<?xml version="1.0" encoding="UTF-8"?><edgarSubmission xmlns="http://www.sec.gov/edgar/nport"><formData>
 <genInfo><regCik>0000000001</regCik><seriesName>Example</seriesName><seriesId>S000000001</seriesId><repPdEnd>2026-12-31</repPdEnd>
  <repPdDate>2026-06-30</repPdDate></genInfo>
 <fundInfo><totAssets>1000.500000000000</totAssets><totLiabs>0.5</totLiabs><netAssets>1000.00</netAssets>
   <cshNotRptdInCorD>XXXX</cshNotRptdInCorD>
  <isNonCashCollateral>N</isNonCashCollateral><mon1Flow redemption="1.5" reinvestment="N/A" sales="2"/></fundInfo>
 <invstOrSecs>
  <invstOrSec><name>Apple</name><title>APPLE INC</title><cusip>037833100</cusip><identifiers><isin value="US0378331005"/>
   </identifiers>
   <balance>10.00000000</balance><units>NS</units><curCd>USD</curCd><valUSD>1900.12</valUSD><payoffProfile>Long</payoffProfile>
   <assetCat>EC</assetCat></invstOrSec>
  <invstOrSec><name>Bank</name><title>SOLD JPY</title><cusip>000000000</cusip><identifiers><other otherDesc="Trade" value="T77"/>
   </identifiers>
   <balance>1</balance><units>NC</units><currencyConditional curCd="JPY" exchangeRt="132.1"/><valUSD>-26488.91</valUSD>
   <payoffProfile>N/A</payoffProfile><assetCat>DFE</assetCat></invstOrSec>
 </invstOrSecs></formData></edgarSubmission>
"""

POSITIONS = """NORTHGATE PRIME BROKERAGE
Positions as of 06/01/2026

Account,As Of,ISIN,Description,L/S,Quantity,Market Value,Ccy
NG-1,06/01/2026,US0378331005,"APPLE, INC",L,"1,250",238125.00,USD
NG-1,06/01/2026,US5949181045,MICROSOFT,S,(300),"(126,000.50)",USD
Total,,,,,,112124.50,
"""

POSITIONS_MAPPING: dict[str, Any] = {
    "format": "pb_positions",
    "match": ["Account", "ISIN", "Market Value"],
    "thousands": ",",
    "dates": "%m/%d/%Y",
    "tables": [
        {
            "table": "holdings",
            "columns": {"account": "Account", "business_date": "As Of", "isin": "ISIN", "name": "Description",
                        "quantity": "Quantity",                        "market_value": "Market Value", "value_currency": "Ccy"},
            "constants": {"basis": "trade"},
            "formulas": {"statement_id": "{Account}/{As Of}"},
        }
    ],
}  # fmt: skip

TEXTS = {
    "mt940": MT940,
    "mt942": MT942,
    "mt535": MT535,
    "mt54x": MT54X,
    "mt564": MT564,
    "camt.053": CAMT,
    "semt.002": SEMT,
    "nport": NPORT,
    "pb_positions": POSITIONS,
}


def mapping(**changes: Any) -> FileMapping:
    return FileMapping.model_validate({**POSITIONS_MAPPING, **changes})


def read(content: str | bytes, *mappings: FileMapping) -> Any:
    """The outcome of reading a file of this content."""
    return feeds.read_bytes("sample", content.encode() if isinstance(content, str) else content, mappings)


def rows(content: str | bytes, table: str, *mappings: FileMapping) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = read(content, *mappings).value.tables[table].to_pylist()
    return found


def codes(content: str | bytes, *mappings: FileMapping) -> set[str]:
    return {f.code for f in read(content, *mappings).findings}
